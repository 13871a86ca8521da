// The ticks of the consent page for what stands behind a server: whose account elsewhere it would use, and what for.

import { foreignName, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { en } from './words/en.ts';

export type UpstreamTick = {
  value: string;
  label: string;
  /** Goes on after "to". */
  purpose: string;
  /** Whose account there, if one is connected. */
  account?: string | undefined;
  gives: 'token' | 'whole_token' | 'key';
  checked: boolean;
};

const words = en.consentUpstreams;

const row = (tick: UpstreamTick): Html => html`<li><label class="tool">
<input type="checkbox" name="upstream" value="${tick.value}"${tick.checked && html` checked`}>
<span class="does">${words.use(foreignName(tick.label), plainText(tick.purpose))}
<span class="small">${tick.account ? words.as(foreignName(tick.account)) : words.connectLater}
${tick.gives !== 'token' && words.gives[tick.gives]}</span></span>
</label></li>`;

/** Nothing where the server wants nothing of anybody else. `at` tells one server's from another's. */
export const upstreamTicks = (ticks: readonly UpstreamTick[] = [], at = 0): Html | false =>
  ticks.length > 0 &&
  html`<fieldset class="group upstreams" aria-describedby="about-upstreams-${at}">
<legend>${words.title}</legend>
<p class="small" id="about-upstreams-${at}">${words.note}</p>
<ul class="tools">${ticks.map(row)}</ul>
</fieldset>`;
