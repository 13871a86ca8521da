// What a consent page offers: its checkboxes, read as tools. Called by the scripted person and by whoever inspects
// the page on the way.

import { type Control, controlsOf, textOf } from './person-form.ts';

/** A checkbox's tool: the last word of `<scope> <tool>`, the scope itself when it has no tools, or an upstream's name. */
export const toolOf = (control: Control): string =>
  control.value.split(' ').at(-1)?.replaceAll('"', '') ?? '';

/** A consent page's choice, as against any other control. */
export const isBox = (control: Control): boolean =>
  control.type === 'checkbox' && ['tool', 'scope', 'upstream'].includes(control.name);

export type OfferedTool = { tool: string; scope: string; checked: boolean; isNew: boolean };

/** The tools a consent page offers, whether each is ticked, and whether it is marked as new since last time. */
export const toolsOn = (html: string): OfferedTool[] =>
  [...html.matchAll(/<label\b[\s\S]*?<\/label>/g)].flatMap(([label]) =>
    controlsOf(label)
      .filter((box) => isBox(box) && box.name !== 'upstream')
      .map((box) => ({
        tool: toolOf(box),
        scope: box.value.split(' ').at(box.name === 'tool' ? -2 : -1) ?? '',
        checked: box.checked,
        isNew: /\bNew\b/.test(textOf(label)),
      })),
  );
