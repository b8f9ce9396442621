// A station on npm's ocpp-rpc in strict mode: boots, authorises, charges, stops, and obeys a remote start. Its answers as lines of JSON.
const { RPCClient } = require("ocpp-rpc");

const [endpoint, identity, password, protocol, card] = process.argv.slice(2);
const strictMode = protocol !== "ocpp2.1"; // the package names 2.1 but holds none of its schemas
const client = new RPCClient({ endpoint, identity, password, protocols: [protocol], strictMode, reconnect: false });
const tell = (what, value) => console.log(JSON.stringify({ what, value }));
const now = () => new Date().toISOString();

client.on("strictValidationFailure", ({ error }) => tell("invalid", String(error)));

async function old() {
  tell("boot", await client.call("BootNotification", { chargePointVendor: "rpc", chargePointModel: "rpc" }));
  tell("authorize", await client.call("Authorize", { idTag: card }));
  await client.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Preparing" });
  const started = await client.call("StartTransaction", { connectorId: 1, idTag: card, meterStart: 100, timestamp: now() });
  tell("start", started);
  const sampledValue = [{ value: "0.9", unit: "kWh" }];
  await client.call("MeterValues", { connectorId: 1, transactionId: started.transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
  tell("stop", await client.call("StopTransaction", { transactionId: started.transactionId, meterStop: 1100, timestamp: now() }));
}

async function recent() {
  const station = { model: "rpc", vendorName: "rpc" };
  tell("boot", await client.call("BootNotification", { reason: "PowerUp", chargingStation: station }));
  const idToken = { idToken: card, type: "ISO14443" };
  tell("authorize", await client.call("Authorize", { idToken }));
  const steps = [["Started", "Authorized", 100], ["Updated", "MeterValuePeriodic", 900], ["Ended", "StopAuthorized", 1100]];
  for (const [seqNo, [eventType, triggerReason, value]] of steps.entries()) {
    tell(eventType, await client.call("TransactionEvent", {
      eventType, triggerReason, seqNo, idToken, timestamp: now(), transactionInfo: { transactionId: "rpc-1" },
      evse: { id: 1, connectorId: 1 }, meterValue: [{ timestamp: now(), sampledValue: [{ value }] }],
    }));
  }
}

(async () => {
  await client.connect();
  tell("protocol", client.protocol);
  await (protocol === "ocpp1.6" ? old() : recent());
  await client.close();
})().catch((error) => { tell("failed", String(error)); process.exit(1); });
