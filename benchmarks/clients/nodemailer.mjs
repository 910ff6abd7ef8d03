// nodemailer with its pool, the fastest way that it has. Does the jobs of worker.py, and speaks the same lines.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { writeFileSync } from 'node:fs';

const job = JSON.parse(process.argv[2]);
const nodemailer = createRequire(job.modules + '/')('nodemailer');
const version = createRequire(job.modules + '/')('nodemailer/package.json').version;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => console.log(JSON.stringify(value));
const memory = (name) => Number(readFileSync('/proc/self/status', 'latin1').match(new RegExp(`${name}:\\s+(\\d+)`))[1]);

const open = () =>
  nodemailer.createTransport({
    pool: true,
    host: '127.0.0.1',
    port: job.port,
    requireTLS: true,
    name: 'localhost',
    auth: { user: job.username, pass: job.password },
    tls: { ca: readFileSync(job.ca_file) },
    maxConnections: job.connections,
    maxMessages: Infinity,
  });

const mail = (number, recipients, attachment) => ({
  from: { name: job.sender_name, address: job.sender },
  to: recipients,
  subject: `Informe semanal n.º ${number}`,
  text: job.text,
  html: job.html,
  attachments: attachment ? [{ path: attachment, filename: basename(attachment) }] : [],
});

async function sendAll(transport, count) {
  let next = 0;
  const work = async () => {
    while (next < count) {
      const number = next++;
      const recipients =
        job.recipients > 1
          ? Array.from({ length: job.recipients }, (_, n) => `reader${n}@example.com`)
          : [`luis${number}@example.com`];
      await transport.sendMail(mail(number, recipients, job.attachment));
    }
  };
  await Promise.all(Array.from({ length: job.connections }, work));
}

async function warm(transport) {
  const { recipients, attachment } = job;
  Object.assign(job, { recipients: 1, attachment: null });
  await sendAll(transport, job.warm);
  Object.assign(job, { recipients, attachment });
}

async function main() {
  let transport = open();
  await warm(transport);
  if (job.cold) {
    transport.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const resident = memory('VmRSS');
  writeFileSync('/proc/self/clear_refs', '5');
  say({ state: 'ready' });
  await lines.next();
  const started = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  if (job.cold) transport = open();
  await sendAll(transport, job.messages);
  if (job.cold) transport.close();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const used = process.cpuUsage(cpu);
  say({ state: 'done', seconds, cpu: (used.user + used.system) / 1e6, growth: memory('VmHWM') - resident, version });
  await lines.next();
  if (!job.cold) transport.close();
  process.exit(0);
}

await main();
