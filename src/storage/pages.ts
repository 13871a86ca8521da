// Tables that grow with the people and not with the configuration are read a page at a time: what lists a million
// rows holds a few hundred of them, and no statement runs for long.

const PAGE = 500;

/**
 * Row after row of what `next` finds behind a row (behind nothing: from the start), in an order of its own, at most
 * `limit` at a time. Rows that are written meanwhile may be there or not.
 */
export async function* paged<Row>(
  next: (after: Row | undefined, limit: number) => Promise<Row[]>,
): AsyncGenerator<Row> {
  for (let last: Row | undefined; ; ) {
    const rows: Row[] = await next(last, PAGE);
    yield* rows;
    last = rows.at(-1);
    if (rows.length < PAGE) return;
  }
}
