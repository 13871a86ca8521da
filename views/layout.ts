// Owns what every page has around it: document head, skip link, header, footer. Does not know any page.
// Called by every page in this room.

import { foreignName } from './foreign.ts';
import { type Html, html, type Piece } from './html.ts';
import { mark } from './icons.ts';
import { en } from './words/en.ts';

/** What every page is given besides its own model. */
export type Page = {
  /** Path of the issuer, without a trailing slash: '' unless the issuer has one. */
  base: string;
  /** What a person quotes to the administrator. Shown small at the foot. */
  traceId?: string | undefined;
  /** Who is signed in in this browser; shows the way to the connections and out. */
  account?: { name: string } | undefined;
  /** Goes as hidden `csrf` into every form of the page. */
  csrf?: string | undefined;
};

export type Frame = {
  title: string;
  width: 'narrow' | 'middle' | 'wide';
  /** Leaves out the links in the header, on pages where a person is in the middle of a decision. */
  quiet?: boolean;
};

const navigation = (page: Page): Html | undefined =>
  page.account &&
  html`<nav class="account" aria-label="${en.layout.navigation}">
<span class="who">${foreignName(page.account.name)}</span>
<a href="${page.base}/connections">${en.layout.connections}</a>
<a href="${page.base}/sign-out">${en.layout.signOut}</a>
</nav>`;

/** A whole document. `body` holds the page's only h1. */
export const layout = (page: Page, frame: Frame, body: Piece): Html => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${frame.title} · Cardea</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="stylesheet" href="${page.base}/public/cardea.css">
<link rel="icon" type="image/svg+xml" href="${page.base}/public/favicon.svg">
</head>
<body class="${frame.width}">
<a class="skip" href="#main">${en.layout.skip}</a>
<header>
<a class="brand" href="${page.base}/">${mark}<span>Cardea</span></a>
${frame.quiet ? '' : navigation(page)}
</header>
<main id="main" tabindex="-1">
${body}
</main>
<footer>
<p>${en.layout.motto}</p>
${page.traceId && html`<p>${en.layout.reference} <code>${page.traceId}</code></p>`}
</footer>
</body>
</html>
`;
