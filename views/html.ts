// Owns the one way markup is made: a tagged template whose strings are escaped and whose result only this file
// can make, so a string that nobody escaped cannot reach a page. Knows no page. Every file in views/ is built on it;
// whoever answers a request calls `render` once, at the end.

declare const made: unique symbol;

/** Markup that is safe to send. Only `html` makes one: an object of the same shape from elsewhere is refused. */
export type Html = { readonly [made]: true };

/** What may stand in a `${}`: text is escaped, arrays are joined, null, undefined and booleans are nothing. */
export type Piece = Html | string | number | boolean | null | undefined | readonly Piece[];

const texts = new WeakMap<object, string>();

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
  // A parser replaces NUL anyway; doing it here keeps what we send and what is read the same.
  '\0': '\uFFFD',
};

const escaped = (text: string): string =>
  text.replace(/[&<>"'`\0]/g, (character) => escapes[character] ?? '');

const write = (piece: Piece): string => {
  if (piece === null || piece === undefined || typeof piece === 'boolean') return '';
  if (typeof piece === 'string') return escaped(piece);
  if (typeof piece === 'number') return String(piece);
  if (Array.isArray(piece)) return piece.map(write).join('');
  return render(piece as Html);
};

/** Markup from a template. Throws TypeError where a value would stand unquoted as an attribute (`value=${x}`). */
export const html = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html => {
  let text = strings[0] ?? '';
  for (const [index, piece] of pieces.entries()) {
    if (text.endsWith('=')) throw new TypeError('an attribute value must stand in double quotes');
    text += write(piece) + (strings[index + 1] ?? '');
  }
  const result = Object.freeze({}) as Html;
  texts.set(result, text);
  return result;
};

/** The text of a piece of markup, ready to send as text/html in UTF-8. Throws TypeError for anything `html` did not make. */
export const render = (markup: Html): string => {
  const text = typeof markup === 'object' && markup !== null ? texts.get(markup) : undefined;
  if (text === undefined) throw new TypeError('only what html`…` made can be rendered');
  return text;
};
