// The sign-in page, inside a flow (then it says for which app) and outside one.

import { foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, field, notice } from './parts.ts';
import { en } from './words/en.ts';

export type SignIn = {
  /** Where the form goes: its own URL. */
  action: string;
  /** What was typed before. */
  username?: string | undefined;
  /** One sentence; it never says whether the name or the password was wrong. */
  error?: string | undefined;
  client?: { name: string } | undefined;
  resource?: { name: string } | undefined;
};

export const signInPage = (page: Page, model: SignIn): Html => {
  const words = en.signIn;
  const describedBy = model.error ? 'problem' : undefined;
  const purpose = model.client
    ? words.purpose(foreignName(model.client.name), model.resource && foreignName(model.resource.name))
    : words.purposeAlone;
  return layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
<p class="lead">${purpose}</p>
${model.error && notice('wrong', html`<p>${plainText(model.error)}</p>`, 'problem')}
<form method="post" action="${model.action}">
${csrfField(page)}
${field({ name: 'username', label: words.username, type: 'text', autocomplete: 'username', value: model.username, describedBy })}
${field({ name: 'password', label: words.password, type: 'password', autocomplete: 'current-password', describedBy })}
<div class="actions"><button class="primary" type="submit">${words.submit}</button></div>
</form>
${model.client && html`<p class="small">${words.next}</p>`}
</section>`,
  );
};
