# What workerd serves; PORT and WORKER are filled in by lib/peers.js.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:PORT", http = (), service = "main")]
);

const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "WORKER")],
  compatibilityDate = "2026-11-01"
);
