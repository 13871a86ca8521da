// The sign-in page, inside a flow (then it says for which app) and outside one: a password, upstreams, or both.
// Nobody is sent to an upstream without having pressed its button here, next to who asks and where it leads.

import { type Asker, destination, identity } from './asker.ts';
import { foreignHost, foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { layout, type Page } from './layout.ts';
import { csrfField, field, notice } from './parts.ts';
import { en } from './words/en.ts';

export type SignIn = {
  /** Where the form goes: its own URL. */
  action: string;
  /** What was typed before. */
  username?: string | undefined;
  /** One sentence; it never says whether the name or the password was wrong. */
  error?: string | undefined;
  client?: { name: string } | undefined;
  resource?: { name: string } | undefined;
  /** Whom one can sign in with instead. */
  upstreams?: readonly { name: string; label: string }[] | undefined;
  /** Whether a password of this server is a way in; it is unless told. */
  passwords?: boolean | undefined;
  /** The app in full, and the servers that it wants: shown wherever an upstream may be gone to. */
  asker?: (Asker & { servers: readonly { name: string; uri: string }[] }) | undefined;
  /** Signed in already, and asked once more before something that matters. */
  again?: boolean | undefined;
  /** The upstream that has just said no. */
  denied?: string | undefined;
};

const words = en.signIn;

const facts = ({ servers, ...asker }: NonNullable<SignIn['asker']>): Html => html`<div class="identity">
${!asker.client.selfRegistered && html`<p class="named">${foreignName(asker.client.name)}</p>`}
${identity(asker)}</div>
<dl class="facts" aria-label="${en.consent.facts}">
${
  servers.length > 0 &&
  html`<div><dt>${en.consent.server}</dt>${servers.map(
    (server) =>
      html`<dd><strong>${foreignName(server.name)}</strong> <span class="small">${foreignHost(server.uri)}</span></dd>`,
  )}</div>`
}
<div><dt>${en.consent.back}</dt><dd>${destination(asker)}</dd></div>
</dl>`;

const buttons = (page: Page, model: SignIn, shown: NonNullable<SignIn['upstreams']>): Html =>
  html`<form method="post" action="${model.action}" class="upstreams">
${csrfField(page)}
<div class="actions">${shown.map(
    ({ name, label }) =>
      html`<button class="${model.passwords === false ? 'primary' : ''}" type="submit" name="upstream" value="${name}">${words.with(plainText(label))}</button>`,
  )}</div>
${model.asker && html`<p class="small">${words.leaving}</p>`}
</form>`;

const passwordForm = (page: Page, model: SignIn): Html => {
  const describedBy = model.error ? 'problem' : undefined;
  return html`<form method="post" action="${model.action}">
${csrfField(page)}
${field({ name: 'username', label: words.username, type: 'text', autocomplete: 'username', value: model.username, describedBy })}
${field({ name: 'password', label: words.password, type: 'password', autocomplete: 'current-password', describedBy })}
<div class="actions"><button class="primary" type="submit">${words.submit}</button></div>
</form>`;
};

export const signInPage = (page: Page, model: SignIn): Html => {
  const upstreams = model.upstreams ?? [];
  const passwords = model.passwords !== false;
  // What a stranger calls itself stands where it says that nobody has made sure of it.
  const stranger = upstreams.length > 0 && model.asker?.client.selfRegistered && !model.asker.client.verified;
  const purpose = stranger
    ? words.purposeUnknown
    : model.client
      ? words.purpose(foreignName(model.client.name), model.resource && foreignName(model.resource.name))
      : model.again
        ? words.again
        : words.purposeAlone;
  return layout(
    page,
    { title: words.title, width: 'narrow', quiet: true },
    html`<section class="card door">
<h1>${words.title}</h1>
<p class="lead">${purpose}</p>
${upstreams.length > 0 && model.asker && facts(model.asker)}
${model.denied && notice('careful', html`<p>${plainText(words.refused(model.denied))}</p>`)}
${model.error && notice('wrong', html`<p>${plainText(model.error)}</p>`, 'problem')}
${upstreams.length > 0 && buttons(page, model, upstreams)}
${upstreams.length > 0 && passwords && html`<p class="or">${words.or}</p>`}
${passwords && passwordForm(page, model)}
${upstreams.length === 0 && !passwords && html`<p>${words.noWay}</p>`}
${model.client && html`<p class="small">${words.next}</p>`}
${
  upstreams.length > 0 &&
  model.client &&
  html`<form method="post" action="${model.action}">
${csrfField(page)}
<button class="plain" type="submit" name="cancel" value="1">${words.cancel}</button>
</form>`
}
</section>`,
  );
};
