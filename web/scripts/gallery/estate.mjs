// Sites with something to show: made through the API, with clients that connect and one that dies.
import { until } from './server.mjs';

const plans = [
  ['Head office', 'Rack 2, second floor. Key at the reception.', ['Fibre', 'LTE', 'Starlink']],
  ['Warehouse North', 'Router above the loading dock', ['Fibre', 'LTE']],
  ['Clinic Riverside', '', ['Fibre', 'Coaxial', 'LTE']],
  ['Shop 17', '', ['Coaxial', 'LTE']],
  ['Shop 18', '', ['Coaxial', 'LTE']],
  ['Depot', 'Gets its second line in spring', ['Microwave', 'LTE']],
];

const lines = {
  Fibre: { connection_type: 'fibre', provider: 'Northern Fibre' },
  Coaxial: { connection_type: 'coaxial', provider: 'City Cable' },
  LTE: { connection_type: 'lte', provider: 'Bluecell', metered: true },
  Starlink: { connection_type: 'satellite', provider: 'Starlink' },
  Microwave: { connection_type: 'microwave', provider: 'Hilltop Wireless' },
};

/** Fills a gallery; answers the ids of what pages are about. */
export async function furnish(gallery) {
  const sites = [];
  for (const [name, note, names] of plans) sites.push(await site(gallery, name, note, names));
  const { data: branch } = await gallery.ask('POST', '/sites', {
    name: 'New branch',
    note: 'Opens next month',
  });
  await gallery.ask('POST', '/users', { name: 'Olu', email: 'olu@example.org', role: 'operator' });
  await gallery.ask('POST', '/users', { name: 'Vera', email: 'vera@example.org', role: 'viewer' });
  await gallery.ask('POST', '/tokens', { name: 'monitoring', role: 'viewer' });

  const [office, warehouse, clinic, shop] = sites;
  const dying = warehouse.tunnels[0];
  const steady = [office, warehouse, clinic, shop]
    .flatMap(({ tunnels }) => tunnels)
    .filter((tunnel) => tunnel !== dying);
  for (const slot of [1, 2, 3])
    gallery.connect(
      slot,
      steady.filter((tunnel) => tunnel.slot === slot),
    );
  const kill = gallery.connect(dying.slot, [dying]);
  for (const { id, tunnels } of [office, warehouse, clinic, shop]) {
    await until(`${id} is online`, async () => {
      const { data } = await gallery.ask('GET', `/sites/${id}`);
      return data.status.tunnels.filter(({ state }) => state === 'online').length === tunnels.length;
    });
  }

  await connectRouter(gallery, office);
  const job = await reorder(gallery, clinic);
  kill();
  await until('the warehouse is on its backup', async () => {
    const { data } = await gallery.ask('GET', `/sites/${warehouse.id}`);
    return data.status.on_backup_since && data.status.open_faults > 1;
  });
  const { data: faults } = await gallery.ask('GET', `/faults?site=${warehouse.id}`);
  const fault = faults.items.find(({ type }) => type === 'link-offline').id;
  await gallery.ask('POST', `/faults/${fault}/comments`, {
    text: 'Called the ISP: a digger on the ring road. Back by 15:00.',
  });
  return { office: office.id, warehouse: warehouse.id, branch: branch.id, fault, job };
}

async function site(gallery, name, note, names) {
  const { data: made } = await gallery.ask('POST', '/sites', { name, note, hold_s: 5 });
  const { data: status } = await gallery.ask('POST', `/sites/${made.id}/failover`, {});
  const tunnels = status.tunnels.map(({ id }) => ({ id }));
  while (tunnels.length < names.length) {
    const { data } = await gallery.ask('POST', `/sites/${made.id}/tunnels`, {});
    tunnels.push({ id: data.id });
  }
  for (const [index, tunnel] of tunnels.entries()) {
    const settings = {
      name: names[index],
      interface: `ether${index + 1}`,
      gateway: `192.0.2.${index * 16 + 1}`,
    };
    const { data } = await gallery.ask('PATCH', `/tunnels/${tunnel.id}`, {
      ...settings,
      ...lines[names[index]],
    });
    const { data: credentials } = await gallery.ask('POST', `/tunnels/${tunnel.id}/credentials`, {});
    Object.assign(tunnel, credentials, { slot: data.slot });
  }
  return { id: made.id, tunnels };
}

const login = { user: 'holdfast', password: 'for the gallery alone' };

/** Gives a site a MikroTik that is reached at an address of its own, and waits until it has been heard of. */
async function connectRouter(gallery, { id }) {
  const lease = (host) => ({ address: `192.0.2.${host + 1}`, prefix: 28, gateway: `192.0.2.${host}` });
  const port = await gallery.mikrotik({
    identity: 'head-office',
    board: 'RB5009UG+S+',
    serial: 'HG809RV6W2K',
    version: '7.20.6',
    interfaces: [
      { name: 'ether1', lease: lease(1) },
      { name: 'ether2', lease: lease(17) },
      { name: 'ether3', lease: lease(33) },
      { name: 'ether4' },
      { name: 'ether5', link: false },
    ],
    users: [{ name: login.user, password: login.password, group: 'full' }],
    configuration: [
      '/interface list add name=LAN',
      '/interface list member add list=LAN interface=ether4',
      '/ip address add address=192.168.88.1/24 interface=ether4',
      ...['ether1', 'ether2', 'ether3'].map((name) => `/ip dhcp-client add interface=${name}`),
    ].join('\n'),
  });
  const access = { kind: 'direct', address: '127.0.0.1', port, tls: false, ...login };
  await gallery.ask('PUT', `/sites/${id}/router/access`, access);
  await until('the router was read', async () => {
    const { data } = await gallery.ask('GET', `/sites/${id}/router`);
    return data.identity;
  });
}

/** Has the second tunnel become the first, and waits for the job. */
async function reorder(gallery, { id }) {
  const { data, etag } = await gallery.ask('GET', `/sites/${id}/priority`);
  const [first, second, ...rest] = data.tunnels;
  const order = { tunnels: [second, first, ...rest] };
  const { data: accepted } = await gallery.ask('PUT', `/sites/${id}/priority`, order, { 'if-match': etag });
  await until('the order is followed', async () => {
    const { data: job } = await gallery.ask('GET', `/jobs/${accepted.job.id}`);
    return job.ended_at;
  });
  return accepted.job.id;
}
