// The time by which cards are judged. A device's clock may be wrong; the server's, which came with a
// list that was fetched just now, is not.

const slack = 5 * 60_000; // a device within it counts as right

export class Clock {
  #wall;
  #steady;
  #server = null; // the server's time, and the device's two clocks when it came
  #floor = null;  // a time that has passed for certain: when a kept list was signed

  /** wall and steady return milliseconds: of the device's clock, and since any moment without jumps. */
  constructor(wall = () => Date.now(), steady = () => performance.now()) {
    this.#wall = wall;
    this.#steady = steady;
  }

  /** Takes the time of an answer that just came: when its list was signed, and its Date header. */
  learn(signed, date) {
    const sent = Date.parse(date ?? "");
    this.#server = { at: Math.max(signed, sent || 0), wall: this.#wall(), steady: this.#steady() };
  }

  /** Takes a time that has passed. */
  atLeast(time) {
    this.#floor = { at: time, steady: this.#steady() };
  }

  /**
   * Now in milliseconds. What has gone by since the server told its time is counted by both clocks of the
   * device: one stops while the device sleeps, the other may be put back.
   */
  now() {
    const wall = this.#wall(), steady = this.#steady();
    if (this.#server) return this.#server.at + Math.max(wall - this.#server.wall, steady - this.#server.steady, 0);
    return this.#floor ? Math.max(wall, this.#floor.at + steady - this.#floor.steady) : wall;
  }

  /** Reports whether the server has told its time. */
  get trusted() {
    return this.#server !== null;
  }

  /** How far the device's clock is ahead, in milliseconds, negative where it is behind; 0 where it is right or nobody knows. */
  get wrongBy() {
    const off = this.#wall() - this.now();
    return Math.abs(off) > slack ? off : 0;
  }
}

/** A sentence that names a wrong clock; "" where the clock is right. */
export function wrongClock(clock) {
  const off = clock.wrongBy;
  if (off === 0) return "";
  const minutes = Math.round(Math.abs(off) / 60_000);
  const much = minutes < 120 ? `${minutes} 分钟` : minutes < 48 * 60 ? `${Math.round(minutes / 60)} 小时` : `${Math.round(minutes / 1440)} 天`;
  return `您的设备时间不对，${off > 0 ? "快" : "慢"}了约 ${much}。` +
    (clock.trusted ? "本页按服务器的时间核验，请校准设备时间。" : "请校准设备时间后再核验。");
}
