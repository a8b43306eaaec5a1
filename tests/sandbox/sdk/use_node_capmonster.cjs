// What a program with node-capmonster sees. The module's folder is given, so that it needs to stand nowhere near.
const [, , modules, url, imagesAsJson, folder] = process.argv;
const { ImageToTextTask } = require(require.resolve("node-capmonster", { paths: [modules] }));
const fs = require("fs");
const path = require("path");

const images = JSON.parse(imagesAsJson);

function clientOf(key) {
  const client = new ImageToTextTask(key);
  client.request.defaults.baseURL = url;
  return client;
}

async function attempt(call) {
  try {
    return await call();
  } catch (error) {
    return { raised: error.name, said: error.message, response: error.error };
  }
}

async function solve(client, body, options = {}) {
  const id = await client.createWithTask(client.task({ body, ...options }));
  return { idIs: typeof id, solution: await client.joinTaskResult(id, 20) };
}

async function main() {
  const client = clientOf("demo");
  const file = path.join(folder, "image.png");
  fs.writeFileSync(file, Buffer.from(images.sure, "base64"));
  const pending = await client.createWithTask(client.task({ body: images.sure }));
  const first = await client.getTaskResult(pending);
  const full = { CapMonsterModule: "universal", recognizingThreshold: 70, Case: true, numeric: 0, math: false };
  const [joined, solved, fromFile, under, unsolvable, badKey, noMoney, badBalance] = await Promise.all([
    attempt(() => client.joinTaskResult(pending)),
    attempt(() => solve(client, images.sure, full)),
    attempt(async () => solve(client, await client.prepareImageFromLocal(file))),
    attempt(() => solve(client, images.unsure, { recognizingThreshold: 90 })),
    attempt(() => solve(client, images.blank)),
    attempt(() => solve(clientOf("bad"), images.sure)),
    attempt(() => solve(clientOf("empty"), images.sure)),
    attempt(() => clientOf("bad").getBalance()),
  ]);
  const balance = await client.getBalance();
  console.log(
    JSON.stringify({ first, joined, solved, fromFile, under, unsolvable, badKey, noMoney, badBalance, balance }),
  );
}

main();
