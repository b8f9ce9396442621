// A station on npm's ocpp-ws-io in strict mode: boots, authorises, charges, stops. Our answers as lines of JSON.
const { OCPPClient } = require("ocpp-ws-io");

const [endpoint, identity, password, protocol, card] = process.argv.slice(2);
const client = new OCPPClient({
  endpoint, identity, password, protocols: [protocol], securityProfile: 1, strictMode: true, reconnect: false, logging: false,
});
const tell = (what, value) => console.log(JSON.stringify({ what, value }));
const now = () => new Date().toISOString();
const call = (action, payload) => client.call(protocol, action, payload);

client.on("strictValidationFailure", (found) => tell("invalid", String(found?.error ?? found)));

async function old() {
  tell("boot", await call("BootNotification", { chargePointVendor: "ws-io", chargePointModel: "ws-io" }));
  tell("authorize", await call("Authorize", { idTag: card }));
  await call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Preparing" });
  const started = await call("StartTransaction", { connectorId: 1, idTag: card, meterStart: 100, timestamp: now() });
  const sampledValue = [{ value: "0.9", unit: "kWh" }];
  await call("MeterValues", { connectorId: 1, transactionId: started.transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
  tell("stop", await call("StopTransaction", { transactionId: started.transactionId, meterStop: 1100, timestamp: now() }));
}

async function recent() {
  tell("boot", await call("BootNotification", { reason: "PowerUp", chargingStation: { model: "ws-io", vendorName: "ws-io" } }));
  const idToken = { idToken: card, type: "ISO14443" };
  tell("authorize", await call("Authorize", { idToken }));
  const steps = [["Started", "Authorized", 100], ["Updated", "MeterValuePeriodic", 900], ["Ended", "StopAuthorized", 1100]];
  for (const [seqNo, [eventType, triggerReason, value]] of steps.entries()) {
    tell(eventType, await call("TransactionEvent", {
      eventType, triggerReason, seqNo, idToken, timestamp: now(), transactionInfo: { transactionId: "ws-io-1" },
      evse: { id: 1, connectorId: 1 }, meterValue: [{ timestamp: now(), sampledValue: [{ value }] }],
    }));
  }
}

(async () => {
  await client.connect();
  tell("protocol", protocol);
  await (protocol === "ocpp1.6" ? old() : recent());
  await client.close();
})().catch((error) => { tell("failed", String(error)); process.exit(1); });
