// Who asks: what is known of the app and where it takes the browser, on every page on which somebody decides about it.

import { foreignHost, foreignName } from './foreign.ts';
import { type Html, html } from './html.ts';
import { questionIcon, shieldIcon } from './icons.ts';
import { en } from './words/en.ts';

export type Asker = {
  client: {
    name: string;
    id: string;
    /** Its identity is proven by its web address. */
    verified: boolean;
    /** Host of the client_id, where that is a metadata document's address. */
    host?: string | undefined;
    /** The page it names as its own; shown as text, never as a link. */
    uri?: string | undefined;
    /** It registered itself: nobody here vouches for it. */
    selfRegistered: boolean;
  };
  redirect: {
    host: string;
    loopback: boolean;
    /** A private-use scheme (RFC 8252 §7.1) such as `cursor:`, if it goes to one. */
    scheme?: string | undefined;
  };
};

const words = en.consent;

/** How far the app is known, and what it calls itself. */
export const identity = ({ client }: Pick<Asker, 'client'>): Html => {
  if (client.verified)
    return html`<p class="badge sure">${shieldIcon}<span>${client.host ? words.verified(foreignHost(client.host)) : words.verifiedNoHost}</span></p>`;
  if (!client.selfRegistered)
    return html`<p class="badge sure">${shieldIcon}<span>${words.knownHere}</span></p>`;
  return html`<p class="named">${words.saysItIs(foreignName(client.name))}</p>
<p class="badge unsure">${questionIcon}<span>${words.unverified}</span></p>
<p class="small">${words.unverifiedHint}</p>
${client.host && html`<p class="small">${foreignHost(client.host)}</p>`}`;
};

/** Where the browser goes back to. */
export const destination = ({ redirect }: Pick<Asker, 'redirect'>): Html => {
  if (redirect.scheme) return words.backScheme(foreignHost(redirect.scheme));
  if (redirect.loopback)
    return html`${words.backHere} <span class="small">${foreignHost(redirect.host)}</span>`;
  return foreignHost(redirect.host);
};
