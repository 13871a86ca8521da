// The ways into one's account, as a part of the page of connections: which there are, and how to add or remove one.

import { foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import type { Page } from './layout.ts';
import { csrfField, type Moment, moment, notice } from './parts.ts';
import { en } from './words/en.ts';

export type WayIn = {
  id: string;
  /** The upstream's. */
  label: string;
  /** Who one is there. */
  name?: string | undefined;
  lastUsed: Moment;
  /** There is no other, so it cannot be removed. */
  only: boolean;
};

export type WaysIn = {
  ways: readonly WayIn[];
  password: boolean;
  /** Upstreams that can be added. */
  more: readonly { name: string; label: string }[];
  /** Shown once. */
  changed?: { label: string; what: 'added' | 'removed' } | undefined;
};

const words = en.waysIn;

const row = (page: Page, way: WayIn): Html => html`<li>
<div><strong>${foreignName(way.label)}</strong>${way.name && html` ${foreignName(way.name)}`}
<span class="small">${words.lastUsed} ${moment(way.lastUsed)}</span></div>
${
  way.only
    ? html`<span class="small">${words.only}</span>`
    : html`<form method="post" action="${page.base}/connections/ways-in/remove">
${csrfField(page)}
<input type="hidden" name="way" value="${way.id}">
<button class="danger" type="submit">${words.remove}<span class="unseen"> ${foreignName(way.label)} ${way.name && foreignName(way.name)}</span></button>
</form>`
}
</li>`;

export const wayInChanged = ({ label, what }: NonNullable<WaysIn['changed']>): Html =>
  notice('done', html`<p><strong>${words[what](foreignName(label))}</strong></p>`);

export const waysInSection = (page: Page, { ways, password, more }: WaysIn): Html =>
  html`<section class="card ways-in" aria-labelledby="ways-in">
<h2 id="ways-in">${words.title}</h2>
<p class="small">${words.lead}</p>
<ul>
${password && html`<li><div><strong>${words.password}</strong></div></li>`}
${ways.map((way) => row(page, way))}
</ul>
${
  more.length > 0 &&
  html`<form method="post" action="${page.base}/connections/ways-in/add">
${csrfField(page)}
<p class="small">${words.addLead}</p>
<div class="actions">${more.map(
    ({ name, label }) =>
      html`<button type="submit" name="upstream" value="${name}">${words.add(plainText(label))}</button>`,
  )}</div>
</form>`
}
</section>`;
