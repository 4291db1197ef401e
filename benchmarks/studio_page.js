// The page that benchmarks/studio.py measures with: camera -> time code -> server -> time code read
// back from the picture that was drawn. Query: up=jpeg|h264, down=jpeg|h264, width, height, path.
"use strict";

const query = new URLSearchParams(location.search);
const WIDTH = +(query.get("width") || 640), HEIGHT = +(query.get("height") || 480);
const UP = query.get("up") || "jpeg", DOWN = query.get("down") || "jpeg";
const PATH = query.get("path") || "/api/v1/live";
const BITS = 16, CELL = 16;            // the code: 16 cells of 16 x 16 pixels at the bottom left
const HEAD = 24, FACE = 12, MOST_UNSEEN = 2, PATIENCE_MS = 250;

const bench = (window.bench = {latency: [], camera: [], drawn: [], sent: 0, skipped: 0, said: [],
                               encode: [], ready: false, error: null});

function canvasOf(shown) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH; canvas.height = HEIGHT;
  if (shown) document.body.append(canvas);
  return canvas.getContext("2d", {willReadFrequently: !shown, alpha: false, desynchronized: false});
}

function writeCode(context, ms) {
  for (let bit = 0; bit < BITS; bit++) {
    context.fillStyle = (ms >> bit) & 1 ? "#fff" : "#000";
    context.fillRect(bit * CELL, HEIGHT - CELL, CELL, CELL);
  }
}

const strip = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
strip.canvas.width = BITS; strip.canvas.height = 1;

function readCode(image) {
  strip.drawImage(image, 0, HEIGHT - CELL, BITS * CELL, CELL, 0, 0, BITS, 1);
  const pixels = strip.getImageData(0, 0, BITS, 1).data;
  let ms = 0;
  for (let bit = 0; bit < BITS; bit++) if (pixels[4 * bit + 1] > 127) ms |= 1 << bit;
  return ms;
}

function packed(payload, codec, key, seq, stamp) {
  const message = new Uint8Array(HEAD + payload.byteLength), view = new DataView(message.buffer);
  view.setUint8(0, 1); view.setUint8(1, codec); view.setUint8(2, key ? 1 : 0);
  view.setUint32(4, seq, true); view.setFloat64(8, stamp, true);
  view.setUint32(16, WIDTH, true); view.setUint32(20, HEIGHT, true);
  message.set(new Uint8Array(payload), HEAD);
  return message;
}

async function main() {
  const video = document.createElement("video");
  video.muted = true; video.playsInline = true;
  video.srcObject = await navigator.mediaDevices.getUserMedia(
    {video: {width: WIDTH, height: HEIGHT, frameRate: 30}});
  await video.play();
  const socket = new WebSocket(`ws://${location.host}${PATH}`, "masquerade.v1");
  socket.binaryType = "arraybuffer";
  const source = canvasOf(false), shown = canvasOf(true);
  let seq = 0, busy = false, keyDue = true, running = false;
  const unanswered = new Map();

  const send = (payload, codec, key, stamp, number) => {
    if (socket.readyState !== 1) return;
    unanswered.set(stamp, performance.now());
    socket.send(packed(payload, codec, key, number, stamp));
    bench.sent++;
  };
  let encoder = null;
  if (UP === "h264") {
    encoder = new VideoEncoder({
      output: (chunk) => {
        const data = new Uint8Array(chunk.byteLength);
        chunk.copyTo(data);
        send(data, 2, chunk.type === "key", chunk.timestamp / 1000, seq++);
      },
      error: (error) => { bench.error = String(error); },
    });
    encoder.configure({codec: "avc1.42E01F", width: WIDTH, height: HEIGHT, framerate: 30,
      bitrate: 2_500_000, latencyMode: "realtime", avc: {format: "annexb"}});
  }

  let peer = null;
  const byWebRtc = async () => {
    peer = new RTCPeerConnection();
    const [track] = source.canvas.captureStream(30).getVideoTracks();
    track.contentHint = "motion";
    const transceiver = peer.addTransceiver(track, {direction: "sendrecv"});
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs
      .filter(({mimeType}) => mimeType === `video/${query.get("codec") || "VP8"}`);
    transceiver.setCodecPreferences(codecs);
    const back = document.createElement("video");
    back.muted = true; back.playsInline = true;
    document.body.append(back);
    peer.ontrack = ({track: remote}) => {
      back.srcObject = new MediaStream([remote]); back.play();
      const show = () => {
        back.requestVideoFrameCallback(show);
        const code = readCode(back), now = performance.now();
        bench.latency.push((Math.floor(now) - code) & 0xffff);
        bench.drawn.push(now);
        bench.size = [back.videoWidth, back.videoHeight];
      };
      back.requestVideoFrameCallback(show);
    };
    await peer.setLocalDescription(await peer.createOffer());
    await new Promise((done) => {
      if (peer.iceGatheringState === "complete") done();
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
      setTimeout(done, 1000);
    });
    socket.send(JSON.stringify({type: "offer", sdp: peer.localDescription.sdp}));
  };

  const room = () => {
    if (peer) return true;
    for (const [stamp, at] of unanswered) {
      if (performance.now() - at > PATIENCE_MS) unanswered.delete(stamp);
    }
    return unanswered.size < MOST_UNSEEN && (!encoder || encoder.encodeQueueSize < 1) && !busy;
  };
  const capture = (now, meta) => {
    video.requestVideoFrameCallback(capture);
    if (!running) return;
    if (!room()) { bench.skipped++; return; }
    const stamp = performance.now();
    if (meta.captureTime) bench.camera.push(stamp - meta.captureTime);
    source.drawImage(video, 0, 0, WIDTH, HEIGHT);
    writeCode(source, Math.floor(stamp) & 0xffff);
    if (peer) { bench.sent++; return; }
    if (encoder) {
      const frame = new VideoFrame(source.canvas, {timestamp: Math.round(stamp * 1000)});
      encoder.encode(frame, {keyFrame: keyDue});
      keyDue = false; frame.close();
      return;
    }
    busy = true;
    source.canvas.toBlob(async (blob) => {
      const data = await blob.arrayBuffer();
      busy = false;
      bench.encode.push(performance.now() - stamp);
      send(data, 1, true, stamp, seq++);
    }, "image/jpeg", 0.8);
  };
  video.requestVideoFrameCallback(capture);

  const draw = (image, number, began) => {
    shown.drawImage(image, 0, 0);
    const code = readCode(image), now = performance.now();
    bench.latency.push((Math.floor(now) - code) & 0xffff);
    bench.drawn.push(now);
    image.close();
    socket.send(JSON.stringify({type: "got", seq: number, shown_ms: now}));
  };
  const waiting = [];
  let decoder = null;
  if (DOWN === "h264") {
    decoder = new VideoDecoder({
      output: (frame) => draw(frame, waiting.shift()),
      error: (error) => { bench.error = String(error); },
    });
    decoder.configure({codec: "avc1.42E01F", optimizeForLatency: true});
  }

  socket.onmessage = async ({data}) => {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.type === "started") { running = true; if (UP === "webrtc") byWebRtc(); }
      if (message.type === "answer") peer.setRemoteDescription({type: "answer", sdp: message.sdp});
      if (message.type === "key_frame") keyDue = true;
      bench.said.push(message);
      return;
    }
    const view = new DataView(data), faces = view.getUint8(3), number = view.getUint32(4, true);
    const stamp = view.getFloat64(8, true);
    // An answer to a picture is one to all before it: the server takes the newest.
    for (const known of [...unanswered.keys()]) if (known <= stamp) unanswered.delete(known);
    bench.faces = faces;
    if (peer) {
      socket.send(JSON.stringify({type: "got", seq: number, shown_ms: performance.now()}));
      return;
    }
    const payload = new Uint8Array(data, HEAD + faces * FACE);
    if (decoder) {
      waiting.push(number);
      const key = view.getUint8(2) & 1;
      decoder.decode(new EncodedVideoChunk({type: key ? "key" : "delta", timestamp: stamp * 1000,
        data: payload}));
      return;
    }
    draw(await createImageBitmap(new Blob([payload], {type: "image/jpeg"})), number);
  };
  socket.onopen = () => {
    socket.send(JSON.stringify({type: "start", donor: "a".repeat(20),
      source: {kind: "browser", width: WIDTH, height: HEIGHT, rate: 30,
        codec: UP === "h264" ? "h264" : "jpeg", sound: false},
      output: {codec: DOWN, quality: 80, width: null, original: false}}));
    bench.ready = true;
  };
  socket.onclose = ({code, reason}) => { bench.error = bench.error || `closed ${code} ${reason}`; };
}

main().catch((error) => { bench.error = String(error); });
