// A lab whose site nobody has set up yet (`holdfast lab open`).
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class Lab {
  /**
   * Starts one, and waits until its dashboard can be opened. `binary` is the path of `holdfast`, `client` is who dials
   * there: `stock` OpenVPN, or a MikroTik that is `adopted`.
   */
  static async open(binary, client) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-journey-'));
    const args = ['lab', 'open', '--client', client, '--keep-logs', join(folder, 'logs')];
    const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lab = new Lab(binary, folder, child);
    const ended = new Promise((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the lab did not start: it ended with ${code}`)));
    });
    await Promise.race([lab.#read(), ended]);
    return lab;
  }

  constructor(binary, folder, child) {
    this.binary = binary;
    this.folder = folder;
    this.child = child;
    /** Interface and gateway by the name of the ISP. */
    this.isps = {};
  }

  /** Where a file of this journey may lie. */
  path(name) {
    return join(this.folder, name);
  }

  /** Has the client of an ISP dial with a profile. */
  async connect(isp, profile) {
    await run(this.binary, ['lab', 'connect', isp, profile]);
  }

  /** Pastes a line into the terminal of the router, and answers what is printed there. */
  async paste(line) {
    const { stdout } = await run(this.binary, ['lab', 'paste', line]);
    return stdout;
  }

  /** What the server has logged last. */
  log() {
    const lines = readFileSync(this.path('logs/server.log'), 'utf8').trim().split('\n');
    return lines.slice(-20).join('\n');
  }

  /** Ends it and everything in it. */
  async close() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.stdin.end();
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Reads what the lab tells about itself. */
  async #read() {
    for await (const line of createInterface({ input: this.child.stdout })) {
      const invitation = line.match(/dashboard: (\S+) \(log in as (\S+) with the password: (.+)\)/);
      if (invitation) [, this.url, this.email, this.password] = invitation;
      const isp = line.match(/^ +(\w+) +(wan\d+) +gateway ([\d.]+)$/);
      if (isp) this.isps[isp[1]] = { interface: isp[2], gateway: isp[3] };
      if (/lab (connect|paste) /.test(line)) return;
    }
  }
}
