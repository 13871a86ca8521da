/** The hosts that mean this computer, as `URL.hostname` spells them. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];

/** RFC 8252 §7.3 and §8.3: the loopback addresses, and the name `localhost` that real clients use. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.includes(hostname);
