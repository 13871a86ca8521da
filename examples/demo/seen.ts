// How the demo's check speaks: a sentence for each thing that was as it should be, an error for the first that
// was not. Knows nothing of what is checked.

/** Something was not as it should be; the message is the sentence that would have been printed. */
export class NotSo extends Error {
  override name = 'NotSo';
}

export const seen = (print: (line: string) => void) => ({
  /** Prints the sentence when `holds`; otherwise throws `NotSo` with it and what was there instead. */
  that(holds: unknown, sentence: string, instead?: unknown): asserts holds {
    if (!holds) {
      const was = instead === undefined ? '' : `, but there was ${JSON.stringify(instead)}`;
      throw new NotSo(`expected: ${sentence}${was}`);
    }
    print(`✓ ${sentence}`);
  },
});

export type Seen = { that(holds: unknown, sentence: string, instead?: unknown): asserts holds };
