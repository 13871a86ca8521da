// The page behind the one-time link: it makes the first administrator.

import { plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, field, notice } from './parts.ts';
import { en } from './words/en.ts';

export type Setup = {
  /** Where the form goes: its own URL. */
  action: string;
  username?: string | undefined;
  /** Fewest characters a password may have. */
  minimum: number;
  /** One sentence for each field that is wrong; `form` is about all of them. */
  errors?:
    | {
        form?: string | undefined;
        username?: string | undefined;
        password?: string | undefined;
        repeat?: string | undefined;
      }
    | undefined;
};

export const setupPage = (page: Page, model: Setup): Html => {
  const words = en.setup;
  const errors = model.errors ?? {};
  const problem = Object.values(errors).some(Boolean);
  return layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
<p class="lead">${words.lead} ${words.once}</p>
${problem && notice('wrong', html`<p>${plainText(errors.form ?? words.problem)}</p>`, 'problem')}
<form method="post" action="${model.action}">
${csrfField(page)}
${field({ name: 'username', label: words.username, type: 'text', autocomplete: 'username', value: model.username, error: errors.username })}
${field({ name: 'password', label: words.password, type: 'password', autocomplete: 'new-password', hint: words.passwordHint(model.minimum), minLength: model.minimum, error: errors.password })}
${field({ name: 'repeat', label: words.repeat, type: 'password', autocomplete: 'new-password', minLength: model.minimum, error: errors.repeat })}
<div class="actions"><button class="primary" type="submit">${words.submit}</button></div>
</form>
</section>`,
  );
};
