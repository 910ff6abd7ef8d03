// A submission server of others (nodemailer's smtp-server): prints its port, then a line of JSON for each message.
//
// `node serve.mjs CERTIFICATE [nothing]`: STARTTLS, and REQUIRETLS (RFC 8689) and DSN (RFC 3461) unless told otherwise.
// It ends when its standard input does. Loopback only.
import { readFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";

const [certificate, nothing] = process.argv.slice(2);
const pem = readFileSync(certificate);
const server = new SMTPServer({
  key: pem,
  cert: pem,
  hideREQUIRETLS: Boolean(nothing),
  hideDSN: Boolean(nothing),
  hideENHANCEDSTATUSCODES: false,
  onAuth: (auth, session, done) => done(null, { user: auth.username }),
  onData(stream, session, done) {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      console.log(JSON.stringify({ secure: session.secure, mailFrom, rcptTo, octets: Buffer.concat(parts).toString("base64") }));
      done();
    });
  },
});
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
