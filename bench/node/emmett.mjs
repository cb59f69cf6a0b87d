// Appends with Emmett's event store for so many seconds: `node emmett.mjs ADDRESS WRITERS EVENTS SECONDS`.
// Prints how many events a second, the 99th percentile of an append, and the processor time of each event.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { randomUUID } from 'node:crypto';

const [address, writers, each, seconds] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const store = getPostgreSQLEventStore(address, { connectionOptions: { pooled: true } });
const data = { occurred_on: '2020-01-06', payment: 'P0-1', amount: '1.00', actor: '示例经办', pad: 'x'.repeat(300) };
const bundle = Array.from({ length: each }, () => ({ type: 'Changed', data }));
const append = () => store.appendToStream(`bench-${randomUUID()}`, bundle);

for (let n = 0; n < 5; n += 1) await append(); // makes its tables, and warms up
const took = [];
const processor = process.cpuUsage();
const begun = performance.now();
const until = begun + seconds * 1000;

async function write() {
  for (let now = performance.now(); now < until; now = performance.now()) {
    await append();
    took.push(performance.now() - now);
  }
}

await Promise.all(Array.from({ length: writers }, write));
const passed = performance.now() - begun;
const used = process.cpuUsage(processor);
const done = took.length * each;
took.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    a_second: (done / passed) * 1000,
    p99_ms: took[Math.floor(took.length * 0.99)],
    processor_us: (used.user + used.system) / done,
  }),
);
await store.close();
