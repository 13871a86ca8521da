// Asking before signing out (a GET never ends a session), and the page after it.

import { foreignName } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField } from './parts.ts';
import { en } from './words/en.ts';

const words = en.signOut;

export type SignOut = {
  /** Where the form goes, usually `${base}/sign-out`. */
  action: string;
};

export const signOutPage = (page: Page, model: SignOut): Html =>
  layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
${page.account && html`<p class="lead">${words.lead(html`<strong>${foreignName(page.account.name)}</strong>`)}</p>`}
<p>${words.stays}</p>
<form method="post" action="${model.action}">
${csrfField(page)}
<div class="actions">
<button class="primary" type="submit">${words.submit}</button>
<a class="button" href="${page.base}/connections">${words.stay}</a>
</div>
</form>
</section>`,
  );

export const signedOutPage = (page: Page): Html =>
  layout(
    { ...page, account: undefined },
    { title: words.doneTitle, width: 'narrow' },
    html`<section class="card door">
<h1>${words.doneTitle}</h1>
<p class="lead">${words.done}</p>
<p>${words.stays}</p>
<div class="actions"><a class="button" href="${page.base}/sign-in">${words.again}</a></div>
</section>`,
  );
