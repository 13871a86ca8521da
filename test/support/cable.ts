// A cable between Cardea and its database that a test can cut, or leave hanging, at the moment it wants.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Milliseconds to a database on another continent. */
const LONG_WAY = 300;

export type Cable = Awaited<ReturnType<typeof cable>>;

/** Listens on loopback and hands everything to `port`, and back, until told otherwise. */
export async function cable(port: number) {
  let mode:
    | 'whole'
    | 'silent'
    | 'refusing'
    | 'cut behind commit'
    | 'cut after commit'
    | 'keeping answer'
    | 'long' = 'whole';
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (mode === 'refusing') return void near.destroy();
    const far = connect(port, '127.0.0.1');
    let answerIsLost = false;
    for (const end of [near, far]) {
      open.add(end);
      end
        .on('error', () => {})
        .on('close', () => {
          open.delete(end);
          near.destroy();
          far.destroy();
        });
    }
    // where nothing arrives, a goodbye does not either
    near.on('end', () => void (mode !== 'silent' && far.end()));
    near.on('data', (bytes: Buffer) => {
      if (mode === 'silent') return;
      if (mode === 'cut after commit' && bytes.includes('COMMIT')) answerIsLost = true;
      if (mode === 'keeping answer' && bytes.includes('COMMIT')) mode = 'silent';
      else if (mode === 'cut behind commit' && bytes.includes('COMMIT')) {
        mode = 'whole';
        far.write(bytes, () => void near.destroy());
        return;
      }
      if (mode === 'long') return void setTimeout(() => far.writable && far.write(bytes), LONG_WAY);
      far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (answerIsLost) {
        mode = 'whole';
        near.destroy();
      } else if (mode !== 'silent') near.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    is(now: typeof mode): void {
      mode = now;
    },
    /** Every connection that is open now ends. */
    cut(): void {
      for (const end of open) end.destroy();
    },
    async close(): Promise<void> {
      this.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
