// What node-postgres is asked, whichever of its forms the question has. Called by what listens in at the driver.

/** The statements in the first argument of `client.query`. */
export function textsOf(asked: unknown): string[] {
  if (typeof asked === 'string') return [asked];
  const { text, statements } = asked as { text?: string; statements?: { text: string }[] };
  return statements ? statements.map((each) => each.text) : text === undefined ? [] : [text];
}
