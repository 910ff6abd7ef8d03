// A submission server that takes everything and keeps nothing: STARTTLS, AUTH, and PIPELINING and CHUNKING when asked to.
//
// `node sink.mjs KEY CERTIFICATE [EXTENSION…]` prints its port, then for each line on stdin what it has counted so far,
// and ends when stdin does. Loopback only. It answers as RFC 5321, 2920, 3030, 3207 and 4954 say as long as the client
// is right, which is all that a benchmark needs; it must be so fast that it is never the limit.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { TLSSocket, createSecureContext } from 'node:tls';

const [keyFile, certificateFile, ...extensions] = process.argv.slice(2);
const secureContext = createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) });
const END = Buffer.from('\r\n.\r\n');
const count = { connections: 0, logins: 0, messages: 0, recipients: 0, octets: 0 };

const OK = '250 2.0.0 ok\r\n';
const QUEUED = '250 2.0.0 queued\r\n';

class Session {
  constructor(socket) {
    count.connections += 1;
    this.recipients = 0;
    this.skip = 0;
    this.last = false;
    this.secure = false;
    this.step = 'command';
    this.attach(socket);
    this.write('220 sink ESMTP\r\n');
  }

  attach(socket) {
    this.socket = socket;
    this.rest = Buffer.alloc(0);
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', () => socket.destroy());
  }

  write(text) {
    this.socket.write(text, 'latin1');
  }

  take(chunk) {
    const answers = [];
    let data = this.rest.length ? Buffer.concat([this.rest, chunk]) : chunk;
    while (data.length) {
      const used = this.step === 'command' || this.step === 'auth' ? this.line(data, answers) : this.content(data, answers);
      if (used === 0) break;
      data = data.subarray(used);
    }
    this.rest = data;
    if (answers.length) this.write(answers.join(''));
    if (this.step === 'starttls') this.upgrade();
    if (this.step === 'quit') this.socket.end();
  }

  content(data, answers) {
    if (this.step === 'chunk') {
      const used = Math.min(this.skip, data.length);
      this.skip -= used;
      if (this.skip === 0) this.chunkEnded(answers);
      return used;
    }
    if (this.step !== 'data') return 0;
    if (this.fresh && data.length >= 3 && data.subarray(0, 3).equals(END.subarray(2))) {
      this.messageEnded(answers);
      return 3;
    }
    if (this.fresh && data.length < 3) return 0;
    this.fresh = false;
    const at = data.indexOf(END);
    // Four octets may be the beginning of the end.
    const used = at < 0 ? Math.max(0, data.length - 4) : at + END.length;
    count.octets += at < 0 ? used : at + 2;
    if (at >= 0) this.messageEnded(answers);
    return used;
  }

  chunkEnded(answers) {
    this.step = 'command';
    if (this.last) this.messageEnded(answers);
    else answers.push(OK);
  }

  messageEnded(answers) {
    this.step = 'command';
    count.messages += 1;
    count.recipients += this.recipients;
    this.recipients = 0;
    answers.push(QUEUED);
  }

  line(data, answers) {
    const end = data.indexOf(10);
    if (end < 0) return 0;
    const line = data.latin1Slice(0, data[end - 1] === 13 ? end - 1 : end);
    if (this.step === 'auth') this.loggedIn(answers);
    else this.command(line, answers);
    return end + 1;
  }

  command(line, answers) {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'RCPT') {
      this.recipients += 1;
      answers.push(OK);
    } else if (verb === 'BDAT') this.chunk(line, answers);
    else if (verb === 'MAIL' || verb === 'NOOP') answers.push(OK);
    else if (verb === 'DATA') {
      this.step = 'data';
      this.fresh = true;
      answers.push('354 go ahead\r\n');
    } else if (verb === 'RSET') {
      this.recipients = 0;
      answers.push(OK);
    } else if (verb === 'EHLO' || verb === 'HELO') answers.push(this.greeting(verb));
    else if (verb === 'STAR') {
      this.step = 'starttls';
      answers.push('220 2.0.0 ready\r\n');
    } else if (verb === 'AUTH') this.auth(line, answers);
    else if (verb === 'QUIT') {
      this.step = 'quit';
      answers.push('221 2.0.0 bye\r\n');
    } else answers.push('500 5.5.2 what?\r\n');
  }

  greeting(verb) {
    if (verb === 'HELO') return '250 sink\r\n';
    const offered = ['8BITMIME', 'SIZE 104857600', 'ENHANCEDSTATUSCODES', ...extensions];
    offered.push(this.secure ? 'AUTH PLAIN LOGIN' : 'STARTTLS');
    return ['250-sink', ...offered.slice(0, -1).map((word) => `250-${word}`), `250 ${offered.at(-1)}`, ''].join('\r\n');
  }

  chunk(line, answers) {
    const [, size, last] = line.split(' ');
    this.skip = Number(size);
    this.last = last !== undefined;
    count.octets += this.skip;
    if (this.skip === 0) this.chunkEnded(answers);
    else this.step = 'chunk';
  }

  auth(line, answers) {
    const [, mechanism, response] = line.split(' ');
    if (mechanism.toUpperCase() === 'LOGIN') {
      this.challenges = response === undefined ? ['334 VXNlcm5hbWU6\r\n', '334 UGFzc3dvcmQ6\r\n'] : ['334 UGFzc3dvcmQ6\r\n'];
    } else this.challenges = response === undefined ? ['334 \r\n'] : [];
    this.step = 'auth';
    this.loggedIn(answers);
  }

  loggedIn(answers) {
    const challenge = this.challenges.shift();
    if (challenge === undefined) {
      this.step = 'command';
      count.logins += 1;
    }
    answers.push(challenge ?? '235 2.7.0 welcome\r\n');
  }

  upgrade() {
    this.step = 'command';
    this.secure = true;
    this.socket.removeAllListeners('data');
    this.attach(new TLSSocket(this.socket, { isServer: true, secureContext }));
  }
}

const server = createServer({ noDelay: true }, (socket) => new Session(socket));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
createInterface({ input: process.stdin })
  .on('line', () => console.log(JSON.stringify(count)))
  .on('close', () => process.exit(0));
