// What servers may use on a person's behalf, as a part of the page of connections: their accounts elsewhere.

import { foreignName } from './foreign.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { csrfField, type Moment, moment } from './parts.ts';
import { en } from './words/en.ts';

export type Held = {
  id: string;
  /** The upstream's. */
  label: string;
  /** Whose account there; of a key, its last characters. */
  name: string;
  since: Moment;
  lastUsed?: Moment | undefined;
  /** It has ended there, and can only be connected again. */
  over: boolean;
};

const words = en.held;

const row = (page: Page, held: Held): Html => html`<li>
<div><strong>${foreignName(held.label)}</strong> ${foreignName(held.name)}
<span class="small">${words.since} ${moment(held.since)}${held.lastUsed && html` · ${words.lastUsed} ${moment(held.lastUsed)}`}</span>
${held.over && html`<span class="small"><strong>${words.over}</strong></span>`}</div>
${
  !held.over &&
  html`<form method="post" action="${page.base}/connections/upstreams/end">
${csrfField(page)}
<input type="hidden" name="held" value="${held.id}">
<button class="danger" type="submit">${words.end}<span class="unseen"> ${foreignName(held.label)} ${foreignName(held.name)}</span></button>
</form>`
}
</li>`;

export const heldSection = (page: Page, held: readonly Held[]): Html =>
  html`<section class="card ways-in" aria-labelledby="held">
<h2 id="held">${words.title}</h2>
<p class="small">${words.lead}</p>
<ul>${held.map((each) => row(page, each))}</ul>
</section>`;
