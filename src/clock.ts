// What time it is, passed in everywhere so that a test can move it.

/** Milliseconds since the epoch. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
