// Where a person types the code that their device shows, and what they are told afterwards.

import { plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, field, notice } from './parts.ts';
import { en } from './words/en.ts';

export type Device = {
  /** Where the form goes. */
  action: string;
  /** What was typed before, or came with the link. */
  code?: string | undefined;
  error?: string | undefined;
};

const words = en.device;

export const devicePage = (page: Page, model: Device): Html =>
  layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
<p class="lead">${words.lead}</p>
${model.error && notice('wrong', html`<p>${plainText(model.error)}</p>`, 'problem')}
<form method="post" action="${model.action}">
${csrfField(page)}
${field({ name: 'user_code', label: words.code, type: 'text', autocomplete: 'off', value: model.code, hint: words.hint, describedBy: model.error ? 'problem' : undefined })}
${notice('careful', html`<p>${words.careful}</p>`)}
<div class="actions"><button class="primary" type="submit">${words.submit}</button></div>
</form>
</section>`,
  );

export const deviceDonePage = (page: Page, allowed: boolean): Html =>
  layout(
    page,
    { title: allowed ? words.allowedTitle : words.deniedTitle, width: 'narrow' },
    html`<section class="card door">
<h1>${allowed ? words.allowedTitle : words.deniedTitle}</h1>
<p class="lead">${allowed ? words.allowed : words.denied}</p>
<p><a href="${page.base}/connections">${words.connections}</a></p>
</section>`,
  );
