// The company's two pages: who are you, and may this application go on. Nobody has a password here; it is an example.

import { people } from './people.ts';

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><main><h1>${title}</h1>${body}</main></html>`;

const form = (uid: string, buttons: string): string =>
  `<form method="post" action="/interaction/${encodeURIComponent(uid)}">${buttons}</form>`;

const button = (name: string, value: string, words: string): string =>
  `<p><button name="${name}" value="${value}">${words}</button></p>`;

export const signInPage = (uid: string): string =>
  page(
    'Acme: sign in',
    form(
      uid,
      people.map(({ id, name, email }) => button('login', id, `${name}, ${email}`)).join('') +
        button('cancel', '1', 'Cancel'),
    ),
  );

export const consentPage = (uid: string, scopes: readonly string[]): string =>
  page(
    'Acme: allow this application?',
    `<p>It asks for: ${scopes.map((scope) => scope.replace(/[^a-z0-9:_.-]/gi, '')).join(', ')}</p>` +
      form(uid, button('allow', '1', 'Allow') + button('cancel', '1', 'Cancel')),
  );
