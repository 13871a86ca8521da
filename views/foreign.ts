// Owns how words written by strangers (an app's name, a host) are shown: cleaned of what could disguise them,
// isolated from our own sentence, and never allowed to grow over it. Called by the pages.

import { type Html, html } from './html.ts';
import { en } from './words/en.ts';

// Controls, line and paragraph separators, bidirectional overrides and isolates, invisible spaces, tag characters.
// The joiners U+200C and U+200D stay: Persian, Hindi and many emoji need them.
const disguises =
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu;

const longestName = 80;

/** A sentence that may repeat a stranger's words: on one line, without what could hide or reorder them. */
export const plainText = (text: string): string =>
  text.toWellFormed().replace(disguises, ' ').replace(/\s+/g, ' ').trim();

/** A name somebody gave themselves, in a <bdi>, cut at 80 characters; a name of nothing visible is called unnamed. */
export const foreignName = (text: string): Html => {
  const characters = Array.from(plainText(text));
  const shown =
    characters.length > longestName
      ? `${characters.slice(0, longestName - 1).join('')}…`
      : characters.join('');
  const visible = /[\p{L}\p{N}\p{S}\p{P}]/u.test(shown);
  return html`<bdi class="foreign">${visible ? shown : en.unnamed}</bdi>`;
};

/** A host, scheme or address, in full: cutting one short would hide the part that says who owns it. */
export const foreignHost = (text: string): Html => html`<bdi class="host" dir="ltr">${plainText(text)}</bdi>`;
