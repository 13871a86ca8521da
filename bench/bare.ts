// The floor for documents: Koa and nothing else, one kilobyte of JSON.

import Koa from 'koa';

const port = Number(process.env['CARDEA_PORT']);
const text = JSON.stringify({ issuer: `http://127.0.0.1:${port}`, padding: 'x'.repeat(950) });
const app = new Koa();
app.use((ctx) => {
  ctx.type = 'application/json';
  ctx.body = text;
});
app.listen(port, '127.0.0.1', () => process.stdout.write('bare ready \n'));
