// How a person uses the dashboard: with a mouse, or with the keyboard and nothing else. Both can do the same.

/** Clicks and drags. */
export class Mouse {
  constructor(page) {
    this.page = page;
  }

  press(target) {
    return target.click();
  }

  fill(field, text) {
    return field.fill(text);
  }

  /** Chooses an entry of a select field, by its name or a pattern of it. */
  async choose(field, entry) {
    await field.click();
    await option(this.page, entry).click();
  }

  /** Chooses an entry of the menu that a button of this name opens. */
  async menu(name, entry) {
    await this.page.getByRole('button', { name }).click();
    await item(this.page, name, entry).click();
  }

  /** Opens a page of several that are tabs. */
  tab(name) {
    return this.page.getByRole('tab', { name }).click();
  }

  /** Drags an entry of a list by its handle, to the place of another. */
  async drag(handle, target) {
    // Waits until it is in sight and stands still.
    await handle.hover();
    const from = await middle(handle);
    const to = await middle(target);
    const { mouse } = this.page;
    await mouse.down();
    // In steps, as a hand moves: what is dragged makes room on its way.
    await mouse.move(from.x, from.y + Math.sign(to.y - from.y) * 12, { steps: 4 });
    await mouse.move(to.x, to.y, { steps: 24 });
    await mouse.up();
  }
}

/** Tab, arrows, space and enter. */
export class Keyboard {
  constructor(page) {
    this.page = page;
  }

  async press(target) {
    await this.reach(target);
    await this.page.keyboard.press('Enter');
  }

  async fill(field, text) {
    await this.reach(field);
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.type(text);
  }

  async choose(field, entry) {
    await this.reach(field);
    await this.page.keyboard.press('ArrowDown');
    const wanted = option(this.page, entry);
    await wanted.waitFor();
    await this.#arrowTo(async () => (await wanted.getAttribute('data-combobox-selected')) === 'true');
    await this.page.keyboard.press('Enter');
  }

  async menu(name, entry) {
    await this.press(this.page.getByRole('button', { name }));
    const wanted = item(this.page, name, entry);
    await wanted.waitFor();
    await this.#arrowTo(() => isFocused(wanted));
    await this.page.keyboard.press('Enter');
  }

  /** Of several tabs one is reached with Tab, and the others from there. */
  async tab(name) {
    const wanted = this.page.getByRole('tab', { name });
    await this.reach(this.page.getByRole('tab', { selected: true }));
    await this.#arrowTo(() => isFocused(wanted), 'ArrowRight');
    await this.page.keyboard.press('Enter');
  }

  async drag(handle, target) {
    const from = await middle(handle);
    const to = await middle(target);
    await this.reach(handle);
    await this.page.keyboard.press('Space');
    const rows = await this.page.getByRole('listitem').filter({ has: this.page.getByRole('button') });
    const places = Math.abs((await indexOf(rows, from.y)) - (await indexOf(rows, to.y)));
    for (let place = 0; place < places; place += 1) {
      await this.page.keyboard.press(to.y < from.y ? 'ArrowUp' : 'ArrowDown');
      // What is lifted moves by itself to its new place, and takes the next key there.
      await this.page.waitForTimeout(300);
    }
    await this.page.keyboard.press('Space');
  }

  /** Goes on with Tab until the target has the focus; a page that hides it from the keyboard fails here. */
  async reach(target) {
    await target.waitFor();
    for (let step = 0; step < 150; step += 1) {
      if (await isFocused(target)) return;
      await this.page.keyboard.press('Tab');
    }
    throw new Error(`the keyboard does not get to ${target}`);
  }

  async #arrowTo(isThere, key = 'ArrowDown') {
    for (let step = 0; step < 40; step += 1) {
      if (await isThere()) return;
      await this.page.keyboard.press(key);
    }
    throw new Error('the arrow keys do not get to the entry');
  }
}

const option = (page, name) => page.getByRole('option', { name, exact: typeof name === 'string' });

const item = (page, menu, name) => page.getByRole('menu', { name: menu }).getByRole('menuitem', { name });

const isFocused = (target) => target.evaluate((element) => element === document.activeElement);

async function middle(target) {
  const { x, y, width, height } = await target.boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
}

/** Which of these rows is at a height of the page. */
async function indexOf(rows, y) {
  const boxes = await Promise.all((await rows.all()).map((row) => row.boundingBox()));
  return boxes.findIndex((box) => box && box.y <= y && y < box.y + box.height);
}
