// The page on which a person decides: who asks, for what, where it leads, and tool by tool what is allowed.
// It shows what it is given; what is asked, ticked or new is decided elsewhere.

import { type Asker, destination, identity } from './asker.ts';
import { type ToolGroup, toolGroups } from './consent-tools.ts';
import { type UpstreamTick, upstreamTicks } from './consent-upstreams.ts';
import { foreignHost, foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, notice } from './parts.ts';
import { en } from './words/en.ts';

/** A server whose tools are asked for. */
export type Server = { name: string; uri: string };

export type Consent = Asker & {
  /** Where the form goes: its own URL. */
  action: string;
  account: { name: string };
  /** It was asked by a device that shows this code; nothing is sent back to anywhere. */
  device?: { code: string } | undefined;
  resource: Server;
  groups: readonly ToolGroup[];
  upstreams?: readonly UpstreamTick[] | undefined;
  /** Further servers that are asked for in the same breath. */
  others?: readonly Pick<Consent, 'resource' | 'groups' | 'upstreams'>[] | undefined;
  /** There is already a connection between this person, this app and this server. */
  returning: boolean;
  somethingNew: boolean;
  /** Goes on after "How long this lasts": `until you end it, at most a year`. */
  lasts: string;
  /** Something that was asked for is not this account's to allow. */
  withheld?: boolean | undefined;
  /** Further sentences to be careful about. */
  warnings?: readonly string[] | undefined;
};

export type { Tool, ToolGroup } from './consent-tools.ts';

const words = en.consent;

const facts = (model: Consent): Html => html`<dl class="facts" aria-label="${words.facts}">
<div><dt>${words.server}</dt>${[model, ...(model.others ?? [])].map(
  ({ resource }) =>
    html`<dd><strong>${foreignName(resource.name)}</strong> <span class="small">${foreignHost(resource.uri)}</span></dd>`,
)}</div>
<div><dt>${model.device ? words.shows : words.back}</dt><dd>${model.device ? html`<strong class="host">${model.device.code}</strong>` : destination(model)}</dd></div>
<div><dt>${words.account}</dt><dd><strong>${foreignName(model.account.name)}</strong></dd></div>
<div><dt>${words.lasts}</dt><dd>${model.lasts}</dd></div>
</dl>`;

const cautions = (model: Consent): Html[] => {
  const local = model.device
    ? en.device.careful
    : model.redirect.scheme
      ? words.scheme
      : model.redirect.loopback
        ? words.loopback
        : undefined;
  const withheld = model.withheld ? words.withheld : undefined;
  const sentences = [local, withheld, ...(model.warnings ?? [])].filter((sentence) => sentence !== undefined);
  return sentences.map((sentence) => notice('careful', html`<p>${plainText(sentence)}</p>`));
};

// HTML §4.10.21.2: Enter at a box presses the first button of the form. This one leads nowhere (§4.10.21.3, a method of
// `dialog` outside of one), so that whoever allows has pressed "Allow".
const nothingByEnter = html`<button class="unseen" type="submit" formmethod="dialog" tabindex="-1" aria-hidden="true"></button>`;

export const consentPage = (page: Page, model: Consent): Html => {
  const others = model.others ?? [];
  const resource = words.servers(foreignName(model.resource.name), others.length);
  const anything = [model, ...others].some(({ groups }) => groups.some(({ tools }) => tools.length > 0));
  const known = model.client.verified || !model.client.selfRegistered;
  return layout(
    page,
    { title: words.title, width: 'middle', quiet: true },
    html`<section class="card door">
<h1>${known ? words.heading(foreignName(model.client.name), resource) : words.headingUnknown(resource)}</h1>
<div class="identity">${identity(model)}
${model.client.uri && html`<p class="small">${words.ownPage} ${foreignHost(model.client.uri)}</p>`}</div>
${facts(model)}
${cautions(model)}
<form method="post" action="${model.action}">
${nothingByEnter}${csrfField(page)}${model.device && html`<input type="hidden" name="user_code" value="${model.device.code}">`}
<h2>${words.choose}</h2>
${model.returning && html`<p>${words.returning}${model.somethingNew && html` <strong>${words.somethingNew}</strong>`}</p>`}
${anything && html`<p class="small">${words.chooseHint}</p>`}
${
  others.length === 0
    ? html`${toolGroups(model.groups)}${upstreamTicks(model.upstreams)}`
    : [model, ...others].map(
        ({ resource, groups, upstreams }, at) => html`<section class="server" aria-labelledby="server-${at}">
<h3 id="server-${at}">${foreignName(resource.name)} <span class="small">${foreignHost(resource.uri)}</span></h3>
${toolGroups(groups, at)}
${upstreamTicks(upstreams, at)}
</section>`,
      )
}
<p class="small">${words.end(html`<a href="${page.base}/connections" target="_blank" rel="noopener">${words.connections}</a>`)}</p>
<div class="actions decide">
<button class="primary" type="submit" name="decision" value="allow">${words.allow}</button>
<button type="submit" name="decision" value="deny">${words.deny}</button>
</div>
<p class="switch"><span>${words.notYou}</span> <button class="plain" type="submit" name="decision" value="switch">${words.switchAccount}</button></p>
</form>
</section>`,
  );
};
