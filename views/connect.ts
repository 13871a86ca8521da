// Connecting an account elsewhere, because a server that acts for the person needs it: who asks, whose account, and
// what for. And the page after it, which says that they can go back.

import { foreignHost, foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, field, notice } from './parts.ts';
import { en } from './words/en.ts';

export type Connect = {
  /** Where the form goes: its own URL. */
  action: string;
  /** As the app calls itself. */
  client: { name: string };
  resource: { name: string; uri: string };
  label: string;
  /** Goes on after "to". */
  purpose: string;
  /** What pressing the button does: go to the upstream, keep a pasted key, or allow what is connected already. */
  how: 'go' | 'key' | 'allow';
  /** Whose account there, if one is connected. */
  account?: string | undefined;
  /** Where a key is found. */
  hint?: string | undefined;
  gives: 'token' | 'whole_token' | 'key';
  /** What was wrong with the key. */
  problem?: string | undefined;
};

const words = en.connect;

const keyField = ({ hint, problem }: Connect): Html =>
  field({
    name: 'key',
    label: words.key,
    type: 'password',
    autocomplete: 'off',
    hint: hint && words.hint(plainText(hint)),
    error: problem,
  });

export const connectPage = (page: Page, model: Connect): Html => {
  const label = foreignName(model.label);
  return layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.heading(foreignName(model.resource.name), label)}</h1>
<p class="lead">${words.purpose(label, plainText(model.purpose))}</p>
<dl class="facts">
<div><dt>${words.server}</dt><dd><strong>${foreignName(model.resource.name)}</strong> <span class="small">${foreignHost(model.resource.uri)}</span></dd></div>
<div><dt>${words.client}</dt><dd>${foreignName(model.client.name)}</dd></div>
${model.account && html`<div><dt>${words.account}</dt><dd><strong>${foreignName(model.account)}</strong></dd></div>`}
</dl>
${model.gives !== 'token' && notice('careful', html`<p>${en.consentUpstreams.gives[model.gives]}</p>`)}
<form method="post" action="${model.action}">
${csrfField(page)}
${model.how === 'key' && keyField(model)}
<div class="actions"><button class="primary" type="submit" name="go" value="on"><span>${words.submit[model.how](label)}</span></button></div>
</form>
<p class="small">${words.careful}</p>
</section>`,
  );
};

export const connectedPage = (page: Page, { label }: { label: string }): Html =>
  layout(
    page,
    { title: words.doneTitle, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.doneTitle}</h1>
<p class="lead">${words.done(foreignName(label))}</p>
<p class="small">${words.end(html`<a href="${page.base}/connections">${en.consent.connections}</a>`)}</p>
</section>`,
  );
