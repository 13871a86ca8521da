// Medians, ratios and the table that is printed.

export const median = (values: number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
};

/** Rows as a table of markdown, whose columns line up for whoever reads it at a terminal. */
export function table([head, ...rows]: string[][]): string {
  const all = [head ?? [], ...rows];
  const widths = (head ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head ?? []), line(rule), ...rows.map(line)].join('\n');
}
