// The ordinary calls of the npm package routeros-api against a router: promises side by side, and streams.

import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";

// Where the package was installed. Modules themselves are not looked for in NODE_PATH.
const { RouterOSAPI } = createRequire(process.env.ROUTER_PACKAGES)("routeros-api");

const host = process.env.ROUTER_HOST;
const port = Number(process.env.ROUTER_PORT);
const user = process.env.ROUTER_USER;
const version = process.env.ROUTER_VERSION;

async function withRouter(work, password = process.env.ROUTER_PASSWORD) {
  const router = new RouterOSAPI({ host, port, user, password, timeout: 20 });
  await router.connect();
  try {
    return await work(router);
  } finally {
    await router.close();
  }
}

function expect(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
  }
}

/** What the router says when a call fails. */
async function trap(call) {
  try {
    await call();
  } catch (error) {
    return error.message;
  }
  throw new Error("it did not fail");
}

function contains(text, part) {
  if (!text.includes(part)) {
    throw new Error(`${JSON.stringify(text)} does not say ${JSON.stringify(part)}`);
  }
}

const add = (router, address) =>
  router.write("/ip/route/add", [`=dst-address=${address}`, "=gateway=192.0.2.1"]);

const checks = {
  async "a wrong password is refused"() {
    const message = await trap(() => withRouter(() => {}, "wrong"));
    contains(message, "Username or password is invalid");
  },

  async "the router tells its version"() {
    await withRouter(async (router) => {
      const [resource] = await router.write("/system/resource/print");
      contains(resource.version, version);
    });
  },

  async "queries select"() {
    await withRouter(async (router) => {
      const names = async (...words) => {
        const rows = await router.write("/interface/print", ["=.proplist=name", ...words]);
        return rows.map((row) => row.name).sort();
      };
      expect(await names("?name=ether1"), ["ether1"]);
      expect(await names("?name=ether1", "?name=ether2", "?#|"), ["ether1", "ether2"]);
      expect(await names("?name=ether1", "?type=lte"), []);
      expect(await names("?name=none"), []);
      expect((await names("?name=ether1", "?#!")).includes("ether1"), false);
    });
  },

  async "a route is added, changed and removed"() {
    await withRouter(async (router) => {
      const [{ ret }] = await add(router, "203.0.113.14");
      await router.write("/ip/route/set", [`=.id=${ret}`, "=comment=two"]);
      const [row] = await router.write("/ip/route/print", [`?.id=${ret}`]);
      expect([row["dst-address"], row.comment], ["203.0.113.14/32", "two"]);
      await router.write("/ip/route/remove", [`=.id=${ret}`]);
      contains(await trap(() => router.write("/ip/route/remove", [`=.id=${ret}`])), "no such item");
    });
  },

  async "what the router does not know fails"() {
    await withRouter(async (router) => {
      contains(await trap(() => router.write("/ip/nonsense/print")), "no such command");
      const wrong = () => router.write("/ip/route/add", ["=nonsense=1"]);
      contains(await trap(wrong), "unknown parameter");
      expect((await router.write("/system/identity/print")).length, 1);
    });
  },

  async "answers are told apart by their tags"() {
    await withRouter(async (router) => {
      const answers = await Promise.all([
        router.write("/interface/print", ["?name=ether1"]),
        router.write("/interface/print", ["?name=none"]),
        router.write("/system/identity/print"),
        router.write("/interface/print", ["?name=ether2"]),
      ]);
      expect(answers.map((rows) => rows.length), [1, 0, 1, 1]);
      expect([answers[0][0].name, answers[3][0].name], ["ether1", "ether2"]);
    });
  },

  async "words of every length come back"() {
    await withRouter(async (router) => {
      for (const text of ["x".repeat(100), "y".repeat(300), "z".repeat(20_000)]) {
        const words = ["=name=holdfast-clients", `=source=${text}`];
        const [{ ret }] = await router.write("/system/script/add", words);
        const [row] = await router.write("/system/script/print", [`?.id=${ret}`]);
        await router.write("/system/script/remove", [`=.id=${ret}`]);
        expect(row.source, text);
      }
    });
  },

  async "a change feed tells until it is cancelled"() {
    await withRouter(async (router) => {
      const changes = [];
      let wake = () => {};
      const feed = router.stream("/ip/route/listen", (error, change) => {
        // A cancelled stream ends as an error too.
        if (!error) {
          changes.push(change);
          wake();
        }
      });
      const seen = async (wanted) => {
        while (!changes.some(wanted)) {
          await new Promise((resolve) => (wake = resolve));
        }
      };
      const [{ ret }] = await add(router, "203.0.113.15");
      await seen((change) => change[".id"] === ret && !change[".dead"]);
      await router.write("/ip/route/remove", [`=.id=${ret}`]);
      await seen((change) => change[".id"] === ret && Boolean(change[".dead"]));
      await feed.stop();
      expect((await router.write("/system/identity/print")).length, 1);
    });
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await within(30_000, check());
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);

/** Fails when a check waits for what never comes. */
function within(milliseconds, promise) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("nothing more came")), milliseconds).unref();
  });
  return Promise.race([promise, late]);
}
