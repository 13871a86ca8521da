// The pieces that several pages share: hidden csrf field, form field, notice, moment, button row.
// Knows no page and no sentence: those come in.

import { plainText } from './foreign.ts';
import { type Html, html, type Piece } from './html.ts';
import { doneIcon, warningIcon } from './icons.ts';
import type { Page } from './layout.ts';

/** A time for people: `text` as it is shown, `iso` (ISO 8601) for machines. */
export type Moment = { iso: string; text: string };

export const moment = (when: Moment): Html => html`<time datetime="${when.iso}">${when.text}</time>`;

export const csrfField = (page: Page): Html =>
  html`<input type="hidden" name="csrf" value="${page.csrf ?? ''}">`;

export type Field = {
  /** Also its id. */
  name: string;
  label: string;
  type: 'text' | 'password';
  autocomplete: string;
  value?: string | undefined;
  hint?: string | undefined;
  /** What is wrong with this one field. */
  error?: string | undefined;
  /** Id of an error elsewhere on the page that is about this field too. */
  describedBy?: string | undefined;
  minLength?: number | undefined;
};

/** A labelled input; its hint and its error are read out with it. */
export const field = (model: Field): Html => {
  const described = [
    model.error && `${model.name}-error`,
    model.describedBy,
    model.hint && `${model.name}-hint`,
  ].filter(Boolean);
  const invalid = Boolean(model.error ?? model.describedBy);
  return html`<div class="field">
<label for="${model.name}">${model.label}</label>
${model.hint && html`<p class="hint" id="${model.name}-hint">${model.hint}</p>`}
<input id="${model.name}" name="${model.name}" type="${model.type}" value="${model.value ?? ''}" autocomplete="${model.autocomplete}" autocapitalize="none" spellcheck="false" required${
    model.minLength !== undefined && html` minlength="${model.minLength}"`
  }${invalid && html` aria-invalid="true"`}${described.length > 0 && html` aria-describedby="${described.join(' ')}"`}>
${model.error && html`<p class="wrong" id="${model.name}-error">${plainText(model.error)}</p>`}
</div>`;
};

/** A boxed message. `wrong` is announced at once, `done` when there is time; `careful` is read in its place. */
export const notice = (kind: 'wrong' | 'careful' | 'done', content: Piece, id?: string): Html =>
  html`<div class="notice ${kind}"${kind === 'wrong' && html` role="alert"`}${kind === 'done' && html` role="status"`}${
    id && html` id="${id}"`
  }>${kind === 'done' ? doneIcon : warningIcon}<div>${content}</div></div>`;

/** An address fit for a link: one that would run code or carry its own page becomes `about:blank`. */
export const linkTo = (href: string): string =>
  // A browser drops tabs, line ends and leading controls before it reads the scheme, so we do too.
  /^(javascript|data|vbscript|blob|file|about):/i.test(href.replace(/[\u0000-\u0020]/g, ''))
    ? 'about:blank'
    : href;
