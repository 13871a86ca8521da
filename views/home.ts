// The front page: what this server is, and the way in.

import { foreignHost, foreignName } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { en } from './words/en.ts';

export type Home = {
  /** The issuer, for whoever wants to point something at it. */
  issuer?: string | undefined;
};

export const homePage = (page: Page, model: Home = {}): Html => {
  const words = en.home;
  return layout(
    page,
    { title: words.documentTitle, width: 'middle' },
    html`<section class="card door welcome">
<h1>${words.title}</h1>
<p class="lead">${words.lead}</p>
${page.account && html`<p>${words.signedIn(html`<strong>${foreignName(page.account.name)}</strong>`)}</p>`}
<div class="actions">${
      page.account
        ? html`<a class="button primary" href="${page.base}/connections">${words.connections}</a>`
        : html`<a class="button primary" href="${page.base}/sign-in">${words.signIn}</a>`
    }</div>
${model.issuer && html`<p class="small">${words.address}: <code>${foreignHost(model.issuer)}</code></p>`}
</section>`,
  );
};
