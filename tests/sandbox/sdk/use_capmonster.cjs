// What a program with CapMonster Cloud's own JavaScript client sees.
const [, , modules, url, imagesAsJson] = process.argv;
const { CapMonsterCloudClientFactory, ClientOptions, ImageToTextRequest } = require(
  require.resolve("@zennolab_com/capmonstercloud-client", { paths: [modules] }),
);

const images = JSON.parse(imagesAsJson);

function clientOf(clientKey) {
  return CapMonsterCloudClientFactory.Create(new ClientOptions({ clientKey, serviceUrl: url }));
}

async function attempt(call) {
  try {
    return await call();
  } catch (error) {
    return { said: error.message };
  }
}

async function main() {
  const client = clientOf("demo");
  const solve = (by, body, options = {}) => attempt(() => by.Solve(new ImageToTextRequest({ body, ...options })));
  const full = { CapMonsterModule: "universal", recognizingThreshold: 70, Case: true, numeric: 0, math: false };
  const [solved, under, badKey, noMoney] = await Promise.all([
    solve(client, images.sure, full),
    solve(client, images.unsure, { recognizingThreshold: 90 }),
    solve(clientOf("bad"), images.sure),
    solve(clientOf("empty"), images.sure),
  ]);
  const balance = await attempt(() => client.getBalance());
  console.log(JSON.stringify({ solved, under, badKey, noMoney, balance }));
}

main();
