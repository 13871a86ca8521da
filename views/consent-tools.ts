// The ticks of the consent page: tools in groups by what they do, the ones that cannot be undone set apart.

import { foreignHost, plainText } from './foreign.ts';
import { type Html, html } from './html.ts';
import { effectIcon } from './icons.ts';
import { en } from './words/en.ts';

export type Tool = {
  /** The checkbox's value: `<scope> <tool>` for a tool, `<scope>` for a scope without tools. */
  value: string;
  /** The checkbox's name. */
  field: 'tool' | 'scope';
  /** What it does, in plain words. */
  label: string;
  /** Its technical name, shown small. */
  name: string;
  scope: string;
  checked: boolean;
  /** Not asked for the last time. */
  isNew: boolean;
  /** It could have been allowed the last time, and was not. */
  leftOut?: boolean;
};

export type ToolGroup = { effect: 'read' | 'write' | 'destroy'; tools: readonly Tool[] };

const words = en.consent;

const mark = ({ isNew, leftOut }: Tool): Html | false =>
  isNew
    ? html` <strong class="new">${words.fresh}</strong>`
    : leftOut === true && html` <span class="new left-out">${words.leftOut}</span>`;

const row = (tool: Tool): Html => html`<li><label class="tool">
<input type="checkbox" name="${tool.field}" value="${tool.value}"${tool.checked && html` checked`}>
<span class="does">${plainText(tool.label)}${mark(tool)}</span>
<code>${foreignHost(tool.name)}</code>
</label></li>`;

const group = (
  { effect, tools }: ToolGroup,
  server: number,
): Html => html`<fieldset class="group ${effect}" aria-describedby="about-${effect}-${server}">
<legend>${effectIcon[effect]}${words.effects[effect].title}</legend>
<p class="small" id="about-${effect}-${server}">${words.effects[effect].note}</p>
<ul class="tools">${tools.map(row)}</ul>
</fieldset>`;

/** Every group that has a tool, in the order given; a sentence if none has. `server` counts them on one page. */
export const toolGroups = (groups: readonly ToolGroup[], server = 0): Html => {
  const filled = groups.filter(({ tools }) => tools.length > 0);
  return filled.length === 0
    ? html`<p>${words.nothing}</p>`
    : html`${filled.map((each) => group(each, server))}`;
};
