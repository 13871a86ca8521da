// A clock that a test moves on, and that is right again after each test of the file that imports it.

import { afterEach, vi } from 'vitest';

afterEach(() => void vi.useRealTimers());

/** From now on it is so many milliseconds later than it was, and time stands still. */
export const later = (ms: number): void => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
