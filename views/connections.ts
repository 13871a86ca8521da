// What a person has allowed, one card for each connection, each with its own way to end it.

import { foreignHost, foreignName, plainText } from './foreign.ts';
import { type Held, heldSection } from './held.ts';
import { type Html, html } from './html.ts';
import { effectIcon } from './icons.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, type Moment, moment, notice } from './parts.ts';
import { type WaysIn, wayInChanged, waysInSection } from './ways-in.ts';
import { en } from './words/en.ts';

export type Connection = {
  /** The grant's id. */
  id: string;
  /** `host`: where its description is published, if it is. */
  client: { name: string; verified: boolean; host?: string | undefined };
  resource: { name: string; uri: string };
  /** What it may do, in plain words, one line a tool. */
  tools: readonly string[];
  effects: ReadonlyArray<'read' | 'write' | 'destroy'>;
  since: Moment;
  lastUsed?: Moment | undefined;
  installations: number;
  /** When it ends by itself. */
  endsBy?: Moment | undefined;
};

export type Connections = {
  connections: readonly Connection[];
  /** Shown once after a connection was ended; the time is when its last access token expires. */
  ended?: { client: string; lastTokenUntil?: Moment | undefined } | undefined;
  /** Shown once after an account elsewhere was ended: its label. */
  endedHeld?: string | undefined;
  /** Shown once after all were ended. */
  endedAll?: { lastTokenUntil?: Moment | undefined } | undefined;
  /** What servers may use on their behalf, if anything. */
  held?: readonly Held[] | undefined;
  /** Where people can sign in with more than a password. */
  waysIn?: WaysIn | undefined;
};

const words = en.connections;

const card = (page: Page, connection: Connection): Html => html`<li class="card connection">
<div class="head">
<h2 id="c-${connection.id}">${foreignName(connection.client.name)}</h2>
<p>${words.uses(html`<strong>${foreignName(connection.resource.name)}</strong>`)} <span class="small">${foreignHost(connection.resource.uri)}</span></p>
<p class="small">${
  connection.client.host
    ? words.host(foreignHost(connection.client.host))
    : !connection.client.verified && words.unverified
}</p>
</div>
<form class="end" method="post" action="${page.base}/connections/end">
${csrfField(page)}
<input type="hidden" name="grant" value="${connection.id}">
<button class="danger" type="submit">${words.end}<span class="unseen"> ${words.endOf} ${foreignName(connection.client.name)}</span></button>
</form>
${
  connection.effects.length > 0 &&
  html`<ul class="effects" aria-label="${words.effectsLabel}">${connection.effects.map(
    (effect) => html`<li class="${effect}">${effectIcon[effect]}${words.effects[effect]}</li>`,
  )}</ul>`
}
${
  connection.tools.length === 0
    ? html`<p class="small">${words.mayNothing}</p>`
    : html`<details><summary>${words.showAll(connection.tools.length)}</summary><ul>${connection.tools.map((tool) => html`<li>${plainText(tool)}</li>`)}</ul></details>`
}
<dl class="facts">
<div><dt>${words.since}</dt><dd>${moment(connection.since)}</dd></div>
<div><dt>${words.lastUsed}</dt><dd>${connection.lastUsed ? moment(connection.lastUsed) : words.neverUsed}</dd></div>
<div><dt>${words.installations}</dt><dd>${words.devices(connection.installations)}</dd></div>
${connection.endsBy && html`<div><dt>${words.endsBy}</dt><dd>${moment(connection.endsBy)}</dd></div>`}
</dl>
</li>`;

const endAll = (page: Page, count: number): Html => html`<details class="end-all">
<summary>${words.endAll}</summary>
<form method="post" action="${page.base}/connections/end-all">
${csrfField(page)}
<p>${words.endAllSure(count)}</p>
<button class="danger" type="submit">${words.endAllNow}</button>
</form>
</details>`;

const over = (sentence: Html | string, until: Moment | undefined): Html =>
  notice(
    'done',
    html`<p><strong>${sentence}</strong>${until && html` ${words.lastUntil(moment(until))}`}</p>`,
  );

export const connectionsPage = (
  page: Page,
  { connections, ended, endedHeld, endedAll, held, waysIn }: Connections,
): Html =>
  layout(
    page,
    { title: words.title, width: 'wide' },
    html`<h1>${words.title}</h1>
${ended && over(words.ended(foreignName(ended.client)), ended.lastTokenUntil)}
${endedHeld && over(en.held.ended(foreignName(endedHeld)), undefined)}
${waysIn?.changed && wayInChanged(waysIn.changed)}
${endedAll && over(words.endedAll, endedAll.lastTokenUntil)}
${
  connections.length === 0
    ? html`<section class="card empty"><p><strong>${words.empty}</strong></p><p>${words.emptyHint}</p></section>`
    : html`<p class="lead">${words.lead}</p>
<ul class="connections">${connections.map((connection) => card(page, connection))}</ul>
${endAll(page, connections.length)}`
}
${held && heldSection(page, held)}
${waysIn && waysInSection(page, waysIn)}`,
  );
