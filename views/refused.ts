// When somebody is who they say and still may not: which rule it is, and what they can do about it.

import { foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, linkTo } from './parts.ts';
import { en } from './words/en.ts';

export type Refused = {
  /** Which rule, in a sentence. */
  sentence: string;
  hint?: string | undefined;
};

const words = en.refused;

const why = ({ sentence, hint }: Refused): Html => html`<p class="lead">${plainText(sentence)}</p>
${hint && html`<h2>${words.next}</h2><p>${plainText(hint)}</p>`}`;

/** At the door: an upstream has said who it is. `again` is where another account can be chosen. */
export const refusedPage = (page: Page, model: Refused & { again: string }): Html =>
  layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door failed">
<h1>${words.title}</h1>
${why(model)}
<div class="actions"><a class="button" href="${linkTo(model.again)}">${words.again}</a></div>
</section>`,
  );

/** Inside a flow: there is nothing that this account may allow. */
export const nothingToAllowPage = (page: Page, model: Refused & { action: string }): Html =>
  layout(
    page,
    { title: words.titleHere, width: 'narrow', quiet: true },
    html`<section class="card door failed">
<h1>${words.titleHere}</h1>
${page.account && html`<p>${words.signedInAs(html`<strong>${foreignName(page.account.name)}</strong>`)}</p>`}
${why(model)}
<form method="post" action="${model.action}">
${csrfField(page)}
<div class="actions">
<button class="primary" type="submit" name="decision" value="deny">${words.back}</button>
<button type="submit" name="decision" value="switch">${words.again}</button>
</div>
</form>
</section>`,
  );
