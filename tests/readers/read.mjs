// Reads messages, one a line in base64, and writes what two readers make of each, as JSON on one line.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { simpleParser } from "mailparser";
import PostalMime from "postal-mime";

const digest = (content) => createHash("sha256").update(Buffer.from(content)).digest("hex");
const flat = (list) => (list ?? []).flatMap((one) => (one.group ? flat(one.group) : [[one.name ?? "", one.address ?? ""]]));

async function postalMime(octets) {
  const found = await new PostalMime().parse(octets);
  return {
    subject: found.subject ?? "",
    from: flat(found.from ? [found.from] : []),
    to: flat(found.to),
    cc: flat(found.cc),
    replyTo: flat(found.replyTo),
    date: found.date ? new Date(found.date).toISOString() : "",
    text: found.text ?? "",
    html: found.html ?? "",
    files: found.attachments.map((file) => [file.filename ?? "", digest(file.content)]),
    types: found.attachments.map((file) => file.mimeType ?? file.contentType),
    ids: found.attachments.map((file) => (file.contentId ?? "").replace(/[<>]/g, "")),
  };
}

async function mailParser(octets) {
  const found = await simpleParser(octets, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true });
  const named = (field) => (field ? [field].flat().flatMap((one) => flat(one.value)) : []);
  return {
    subject: found.subject ?? "",
    from: named(found.from),
    to: named(found.to),
    cc: named(found.cc),
    replyTo: named(found.replyTo),
    date: found.date ? new Date(found.date).toISOString() : "",
    text: found.text ?? "",
    html: found.html || "",
    files: found.attachments.map((file) => [file.filename ?? "", digest(file.content)]),
    types: found.attachments.map((file) => file.mimeType ?? file.contentType),
    ids: found.attachments.map((file) => (file.contentId ?? "").replace(/[<>]/g, "")),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const octets = Buffer.from(line, "base64");
  console.log(JSON.stringify({ postalMime: await postalMime(octets), mailParser: await mailParser(octets) }));
}
