// The moments at which a server is killed. What they mean is in death.ts; crash.test.ts goes through them.

export const POINTS = [
  'before the transaction',
  'inside the transaction, after a statement',
  'before COMMIT',
  'COMMIT sent, unanswered',
  'after COMMIT',
  'before the answer',
  'half way through the answer',
  'after the answer',
  'sweep, after a statement',
  'rotation, inside the transaction',
  'rotation, after COMMIT',
  'anywhere',
] as const;

export const BOOT_POINTS = ['boot, after a statement', 'boot, after a commit'] as const;

export type Point = (typeof POINTS)[number] | (typeof BOOT_POINTS)[number];
