"""People at their devices: an independent Matrix client each, driven over a connection each.

It exists so that no test has to believe the bot about itself: encryption, signatures, relations and mentions are judged
here by another implementation (matrix-nio) than the bot's.

One process has them all, because loading what a client needs takes half a second of a processor. It prints the port at
which it listens. The first line of a connection says who to be; each further line is a request {"id", "do", ...}. Answers are {"id", "ok"} or
{"id", "error"}; whatever arrives in a room is {"event"}, and the same event again when its key comes late.
The end of a connection is the end of that client, so a test that dies takes its people with it.
"""

import asyncio
import base64
import hashlib
import json
import logging
import os
import sys
import time
from urllib.parse import quote

import aiohttp
import vodozemac
from canonicaljson import encode_canonical_json
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from nio import AsyncClient, AsyncClientConfig, SyncResponse
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from nio.events.room_events import MegolmEvent
from nio.exceptions import EncryptionError

SYNC_SECONDS = 20


def b64(data):
    return base64.b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def signed_part(thing):
    return encode_canonical_json({k: v for k, v in thing.items() if k not in ("signatures", "unsigned")})


def is_signed(thing, by_user, by_key):
    """Whether `thing` carries a valid signature of `by_key` (unpadded base64 ed25519)."""
    signature = thing.get("signatures", {}).get(by_user, {}).get(f"ed25519:{by_key}")
    if not signature:
        return False
    try:
        VerifyKey(unb64(by_key)).verify(signed_part(thing), unb64(signature))
    except (BadSignatureError, ValueError):
        return False
    return True


def commitment_to(key, start):
    """What the accepting side binds itself to: its key, and the start event's content as it was sent."""
    start = {name: value for name, value in start.items() if name != "room"}
    return b64(hashlib.sha256(key.encode() + encode_canonical_json(start)).digest())


class Refused(Exception):
    """The homeserver said no."""

    def __init__(self, status, body):
        self.status, self.body = status, body
        super().__init__(f"HTTP {status}: {json.dumps(body)}")


class Person:
    def __init__(self, who, out):
        self.who = who
        self.out = out
        self.url = who["homeserver"]
        self.http = None
        self.client = None
        self.token = who.get("access_token")
        self.since = None
        # Events that could not be decrypted yet, by event ID: (room, the event as nio parsed it, the event as it came).
        self.undecrypted = {}
        # Who could read the room's current outbound session, to start a new one when a device appears or goes.
        self.shared_with = {}
        # Keys made and not sent yet, by room.
        self.withheld = {}
        self.trusted_devices = {}
        # Of each verification, by its request's event: what the other side sent and nobody has taken yet.
        self.verifications = {}
        self.requested = asyncio.Queue()

    # --- the wire -------------------------------------------------------------------------------------------------

    async def api(self, method, path, body=None, raw=False, headers=None):
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes) else (None if body is None else json.dumps(body).encode())
        if data is not None and not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
        async with self.http.request(method, self.url + path, data=data, headers=headers) as answer:
            if raw and answer.status == 200:
                return await answer.read()
            try:
                content = await answer.json(content_type=None)
            except ValueError:
                content = {"body": (await answer.text())[:500]}
            if answer.status != 200:
                raise Refused(answer.status, content)
            return content

    def tell(self, **line):
        self.out.write((json.dumps(line) + "\n").encode())

    # --- becoming somebody ----------------------------------------------------------------------------------------

    async def arrive(self):
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120))
        who = self.who
        session = await self.api("POST", "/_matrix/client/v3/login", {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": who["user"]},
            "password": who["password"],
            "initial_device_display_name": who.get("device_name", "lab person"),
        })
        self.token, self.user, self.device = session["access_token"], session["user_id"], session["device_id"]
        os.makedirs(who["store"], exist_ok=True)
        self.client = AsyncClient(
            self.url, self.user, device_id=self.device, store_path=who["store"],
            config=AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False),
        )
        self.client.restore_login(self.user, self.device, self.token)
        await self.client.keys_upload()
        if who.get("signed", True):
            await self.sign_own_device()
        await self.sync_once(0)
        return {"user": self.user, "device": self.device, "token": self.token}

    async def sign_own_device(self):
        """Cross-signs this device with the person's keys, which are made when the person has none yet."""
        path = self.who["cross_signing"]
        if os.path.exists(path):
            with open(path) as file:
                seeds = json.load(file)
            keys = {usage: SigningKey(unb64(seed)) for usage, seed in seeds.items()}
        else:
            keys = {usage: SigningKey.generate() for usage in ("master", "self_signing", "user_signing")}
            await self.upload_cross_signing(keys)
            with open(path, "w") as file:
                json.dump({usage: b64(bytes(key)) for usage, key in keys.items()}, file)
        self.cross_signing = keys
        answer = await self.api("POST", "/_matrix/client/v3/keys/query", {"device_keys": {self.user: []}})
        device = answer["device_keys"][self.user][self.device]
        device.pop("unsigned", None)
        public = b64(bytes(keys["self_signing"].verify_key))
        signature = b64(keys["self_signing"].sign(signed_part(device)).signature)
        device["signatures"] = {self.user: {f"ed25519:{public}": signature}}
        answer = await self.api("POST", "/_matrix/client/v3/keys/signatures/upload", {self.user: {self.device: device}})
        if answer.get("failures"):
            raise RuntimeError(f"the homeserver refused the signature: {answer['failures']}")

    async def upload_cross_signing(self, keys):
        public = {usage: b64(bytes(key.verify_key)) for usage, key in keys.items()}
        body = {}
        for usage in keys:
            body[f"{usage}_key"] = {
                "user_id": self.user, "usage": [usage], "keys": {f"ed25519:{public[usage]}": public[usage]},
            }
        for usage in ("self_signing", "user_signing"):
            thing = body[f"{usage}_key"]
            signature = b64(keys["master"].sign(signed_part(thing)).signature)
            thing["signatures"] = {self.user: {f"ed25519:{public['master']}": signature}}
        path = "/_matrix/client/v3/keys/device_signing/upload"
        try:
            await self.api("POST", path, body)
        except Refused as refusal:
            if refusal.status != 401:
                raise
            body["auth"] = {
                "type": "m.login.password", "session": refusal.body["session"], "password": self.who["password"],
                "identifier": {"type": "m.id.user", "user": self.user},
            }
            await self.api("POST", path, body)

    async def do_reset_identity(self, **_):
        """New cross-signing keys, as after a lost phone: everybody who verified this person sees a violation."""
        os.remove(self.who["cross_signing"])
        await self.sign_own_device()

    # --- what arrives ---------------------------------------------------------------------------------------------

    async def sync_once(self, timeout_ms):
        query = f"?timeout={timeout_ms}" + (f"&since={quote(self.since)}" if self.since else "")
        raw = await self.api("GET", "/_matrix/client/v3/sync" + query)
        response = SyncResponse.from_dict(raw)
        if not isinstance(response, SyncResponse):
            raise RuntimeError(f"unexpected sync answer: {response}")
        originals = {}
        for room, info in raw.get("rooms", {}).get("join", {}).items():
            for event in info.get("timeline", {}).get("events", []):
                originals[event["event_id"]] = json.loads(json.dumps(event))
        await self.client.receive_response(response)
        first, self.since = self.since is None, raw["next_batch"]
        await self.look_after_keys()
        for room in raw.get("rooms", {}).get("invite", {}):
            self.tell(invite=room)
        # A person who joins or starts reads from then on; what was there before is not told (nor could it be decrypted).
        for room, info in response.rooms.join.items():
            for event in info.timeline.events:
                original = originals.get(event.event_id)
                if original is None:
                    continue
                if isinstance(event, MegolmEvent):
                    self.undecrypted[event.event_id] = (room, event, original)
                await self.show(room, event, original, old=first)
        await self.retry_undecrypted()

    async def look_after_keys(self):
        client = self.client
        await client.send_to_device_messages()
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        if client.should_claim_keys:
            await client.keys_claim(client.get_users_for_key_claiming())

    async def retry_undecrypted(self):
        for event_id, (room, event, original) in list(self.undecrypted.items()):
            try:
                event.room_id = room
                decrypted = self.client.decrypt_event(event)
            except EncryptionError:
                continue
            del self.undecrypted[event_id]
            await self.show(room, decrypted, original, late=True)

    async def show(self, room, event, original, late=False, old=False):
        encrypted = original["type"] == "m.room.encrypted"
        content = event.source.get("content", {}) if not isinstance(event, MegolmEvent) else {}
        kind = event.source.get("type", original["type"])
        relation = content.get("m.relates_to") or original.get("content", {}).get("m.relates_to")
        device = signed = None
        if encrypted and not isinstance(event, MegolmEvent):
            device, signed = await self.device_of(original["sender"], getattr(event, "sender_key", None))
        self.tell(event={
            "room": room, "event_id": original["event_id"], "sender": original["sender"], "type": kind,
            "state_key": original.get("state_key"), "content": content, "relation": relation or {},
            "redacts": original.get("redacts") or original.get("content", {}).get("redacts"),
            "encrypted": encrypted, "undecryptable": isinstance(event, MegolmEvent), "late": late, "old": old,
            "device": device, "device_signed": signed, "sent_ms": original.get("origin_server_ts", 0),
            "seen_ms": int(time.time() * 1000),
            "transaction": original.get("unsigned", {}).get("transaction_id"),
        })
        if kind.startswith("m.key.verification.") or content.get("msgtype") == "m.key.verification.request":
            content = dict(content, room=room, **({"m.relates_to": relation} if relation else {}))
            await self.on_verification_event(kind, content, original["sender"], original["event_id"])

    async def device_of(self, user, sender_key):
        """The device that holds `sender_key`, and whether its owner's own keys vouch for it. Asked of the server's key
        lists and checked here: the chain master key, self-signing key, device."""
        if not sender_key:
            return None, False
        known = self.trusted_devices.get((user, sender_key))
        if known and known[1]:
            return known
        answer = await self.api("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}})
        master = answer.get("master_keys", {}).get(user)
        signing = answer.get("self_signing_keys", {}).get(user)
        for device_id, device in answer.get("device_keys", {}).get(user, {}).items():
            if device.get("keys", {}).get(f"curve25519:{device_id}") != sender_key:
                continue
            signed = False
            if master and signing:
                master_key, signing_key = next(iter(master["keys"].values())), next(iter(signing["keys"].values()))
                own = device["keys"].get(f"ed25519:{device_id}")
                signed = (is_signed(signing, user, master_key) and is_signed(device, user, signing_key)
                          and self.signed_by_itself(device, user, device_id, own))
            self.trusted_devices[user, sender_key] = (device_id, signed)
            return device_id, signed
        return None, False

    @staticmethod
    def signed_by_itself(device, user, device_id, key):
        signature = device.get("signatures", {}).get(user, {}).get(f"ed25519:{device_id}")
        try:
            VerifyKey(unb64(key)).verify(signed_part(device), unb64(signature or ""))
        except (BadSignatureError, ValueError, TypeError):
            return False
        return True

    # --- saying things --------------------------------------------------------------------------------------------

    async def fresh_devices(self, room):
        """Asks who is in the room at which devices right now, so that a device that just appeared gets the key."""
        members = (await self.api("GET", f"/_matrix/client/v3/rooms/{quote(room)}/joined_members"))["joined"]
        known = self.client.rooms[room]
        for user in list(known.users):
            if user not in members:
                known.remove_member(user)
        for user, info in members.items():
            if user not in known.users:
                known.add_member(user, info.get("display_name"), info.get("avatar_url"))
        known.members_synced = True
        self.client.olm.update_tracked_users(known)
        self.client.olm.users_for_key_query.update(members)
        await self.client.keys_query()
        now = {(user, device.id) for user in members for device in self.client.olm.device_store.active_user_devices(user)}
        if self.shared_with.get(room) not in (None, now):
            self.client.olm.outbound_group_sessions.pop(room, None)
        self.shared_with[room] = now

    async def known_room(self, room):
        """Waits until a sync has shown the room: right after a join the client knows nothing of it."""
        limit = time.monotonic() + 15
        while room not in self.client.rooms:
            if time.monotonic() > limit:
                raise RuntimeError(f"{self.user} has not seen the room {room} in 15 s")
            await asyncio.sleep(0.02)
        return self.client.rooms[room]

    async def put_event(self, room, kind, content, txn=None):
        txn = txn or f"lab{time.time_ns()}"
        path = f"/_matrix/client/v3/rooms/{quote(room)}/send/{quote(kind)}/{quote(txn)}"
        return (await self.api("PUT", path, content))["event_id"]

    async def do_send(self, room, content, kind="m.room.message", plaintext=False, txn=None, withhold=False, **_):
        known = await self.known_room(room)
        if plaintext or not known.encrypted or kind == "m.reaction":
            return await self.put_event(room, kind, content, txn)
        await self.fresh_devices(room)
        olm = self.client.olm
        if withhold:
            olm.outbound_group_sessions.pop(room, None)
            missing = self.client.get_missing_sessions(room)
            if missing:
                await self.client.keys_claim(missing)
            # The key as it is before the message: afterwards it would only open later messages.
            self.withheld.setdefault(room, []).extend(
                list(olm.share_group_session_parallel(room, list(known.users), ignore_unverified_devices=True)))
            olm.outbound_group_sessions[room].shared = True
        elif olm.should_share_group_session(room):
            await self.client.share_group_session(room, ignore_unverified_devices=True)
        kind, encrypted = self.client.encrypt(room, kind, content)
        relation = content.get("m.relates_to")
        if relation:
            encrypted["m.relates_to"] = relation
        return await self.put_event(room, kind, encrypted, txn)

    async def do_share_keys(self, room, **_):
        sent = 0
        for _, messages in self.withheld.pop(room, []):
            path = f"/_matrix/client/v3/sendToDevice/m.room.encrypted/lab{time.time_ns()}"
            await self.api("PUT", path, messages)
            sent += 1
        if not sent:
            raise RuntimeError("no key was withheld in that room")
        self.client.olm.outbound_group_sessions.pop(room, None)

    async def do_api(self, method, path, body=None, **_):
        return await self.api(method, path, body)

    async def do_download(self, content, **_):
        """The bytes of a file message, decrypted when it says how; base64."""
        file = content.get("file")
        mxc = (file or content)["url"]
        server, media = mxc.removeprefix("mxc://").split("/", 1)
        data = await self.api("GET", f"/_matrix/client/v1/media/download/{quote(server)}/{quote(media)}", raw=True)
        if file:
            data = decrypt_attachment(data, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        return base64.b64encode(data).decode()

    async def do_upload(self, room, name, data, **_):
        data = base64.b64decode(data)
        known = await self.known_room(room)
        content = {"msgtype": "m.file", "body": name, "info": {"size": len(data)}}
        if known.encrypted:
            data, keys = encrypt_attachment(data)
        answer = await self.api("POST", "/_matrix/media/v3/upload", data, headers={"Content-Type": "application/octet-stream"})
        if known.encrypted:
            content["file"] = dict(keys, url=answer["content_uri"])
        else:
            content["url"] = answer["content_uri"]
        return await self.do_send(room, content)

    async def do_devices_of(self, user, **_):
        """Each device of `user` and whether it is cross-signed."""
        answer = await self.api("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}})
        told = {}
        for device_id, device in answer.get("device_keys", {}).get(user, {}).items():
            _, told[device_id] = await self.device_of(user, device["keys"][f"curve25519:{device_id}"])
        return told

    # --- comparing emoji (SAS in a room: spec v1.18, "Short Authentication String") -----------------------------------

    async def on_verification_event(self, kind, content, sender, event_id):
        """Puts what others send in a verification where `expect` finds it."""
        if sender == self.user:
            return
        if content.get("msgtype") == "m.key.verification.request":
            kind = content["msgtype"]
            self.requested.put_nowait((event_id, sender, content))
        reference = content.get("m.relates_to", {}).get("event_id")
        if reference:
            self.verifications.setdefault(reference, asyncio.Queue()).put_nowait((kind, content))

    async def expect(self, transaction, wanted):
        """The next event of this verification, which must be `wanted`."""
        queue = self.verifications.setdefault(transaction, asyncio.Queue())
        kind, content = await asyncio.wait_for(queue.get(), 30)
        if kind != "m.key.verification." + wanted:
            raise RuntimeError(f"expected the verification's {wanted}, got {kind}: {json.dumps(content)}")
        return content

    async def step(self, room, transaction, step, **content):
        content["m.relates_to"] = {"rel_type": "m.reference", "event_id": transaction}
        await self.do_send(room, content, kind="m.key.verification." + step)
        return content

    async def do_verify(self, room, user, **_):
        """Asks `user` for a verification and goes through with it; afterwards this person vouches for `user`."""
        transaction = await self.do_send(room, {
            "msgtype": "m.key.verification.request", "body": "Please compare emoji with me.", "to": user,
            "from_device": self.device, "methods": ["m.sas.v1"],
        })
        ready = await self.expect(transaction, "ready")
        start = await self.step(
            room, transaction, "start", from_device=self.device, method="m.sas.v1",
            key_agreement_protocols=["curve25519-hkdf-sha256"], hashes=["sha256"],
            message_authentication_codes=["hkdf-hmac-sha256.v2"], short_authentication_string=["decimal", "emoji"])
        commitment = (await self.expect(transaction, "accept"))["commitment"]
        sas = vodozemac.Sas()
        await self.step(room, transaction, "key", key=sas.public_key.to_base64())
        key = (await self.expect(transaction, "key"))["key"]
        if commitment != commitment_to(key, start):
            raise RuntimeError("the other side changed its key after it had committed to it")
        return await self.exchange_macs(room, transaction, sas, key, user, ready["from_device"])

    async def do_accept_verification(self, **_):
        """Goes through with the next verification that somebody asks for."""
        transaction, user, request = await asyncio.wait_for(self.requested.get(), 30)
        room = request["room"]
        await self.step(room, transaction, "ready", from_device=self.device, methods=["m.sas.v1"])
        start = await self.expect(transaction, "start")
        sas = vodozemac.Sas()
        own = sas.public_key.to_base64()
        await self.step(
            room, transaction, "accept", method="m.sas.v1", key_agreement_protocol="curve25519-hkdf-sha256", hash="sha256",
            message_authentication_code="hkdf-hmac-sha256.v2", short_authentication_string=["decimal", "emoji"],
            commitment=commitment_to(own, start))
        key = (await self.expect(transaction, "key"))["key"]
        await self.step(room, transaction, "key", key=own)
        return await self.exchange_macs(room, transaction, sas, key, user, request["from_device"])

    async def exchange_macs(self, room, transaction, sas, key, user, device):
        """Both tell their keys under the shared secret: a match is what comparing emoji would have shown."""
        secret = sas.diffie_hellman(vodozemac.Curve25519PublicKey.from_base64(key))
        keys = await self.keys_of(self.user, self.device)

        def info(sender, its_device, receiver, other_device):
            return f"MATRIX_KEY_VERIFICATION_MAC{sender}{its_device}{receiver}{other_device}{transaction}"

        ours, theirs = info(self.user, self.device, user, device), info(user, device, self.user, self.device)
        await self.step(
            room, transaction, "mac", mac={name: secret.calculate_mac(value, ours + name) for name, value in keys.items()},
            keys=secret.calculate_mac(",".join(sorted(keys)), ours + "KEY_IDS"))
        told = await self.expect(transaction, "mac")
        expected = await self.keys_of(user, device)
        if told["keys"] != secret.calculate_mac(",".join(sorted(told["mac"])), theirs + "KEY_IDS"):
            raise RuntimeError("the list of the other side's keys is not authentic")
        for name, mac in told["mac"].items():
            if name not in expected or mac != secret.calculate_mac(expected[name], theirs + name):
                raise RuntimeError(f"the other side's key {name} is not the one the homeserver shows")
        await self.step(room, transaction, "done")
        await self.expect(transaction, "done")
        await self.vouch_for(user)
        return sorted(told["mac"])

    async def keys_of(self, user, device):
        """The keys that a verification tells: the device's and the master key."""
        answer = await self.api("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}})
        name = f"ed25519:{device}"
        return {name: answer["device_keys"][user][device]["keys"][name], **answer["master_keys"][user]["keys"]}

    async def vouch_for(self, user):
        answer = await self.api("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}})
        master = answer["master_keys"][user]
        own = self.cross_signing["user_signing"]
        signature = b64(own.sign(signed_part(master)).signature)
        master.setdefault("signatures", {})[self.user] = {f"ed25519:{b64(bytes(own.verify_key))}": signature}
        [public] = master["keys"].values()
        await self.api("POST", "/_matrix/client/v3/keys/signatures/upload", {user: {public: master}})

    # --- the loop -------------------------------------------------------------------------------------------------

    async def keep_syncing(self):
        while True:
            try:
                await self.sync_once(SYNC_SECONDS * 1000)
            except (aiohttp.ClientError, asyncio.TimeoutError, Refused):
                # The homeserver is away: tests do that on purpose. This client's own patience is not what they test.
                await asyncio.sleep(0.1)

    async def answer(self, request):
        try:
            result = await getattr(self, "do_" + request["do"])(**{k: v for k, v in request.items() if k not in ("id", "do")})
            self.tell(id=request["id"], ok=result)
        except Exception as error:  # noqa: BLE001 - whatever went wrong belongs to the one who asked
            self.tell(id=request["id"], error=f"{type(error).__name__}: {error}")


async def be_somebody(lines, out):
    """One connection is one person. The end of what it says is the end of that person here."""
    person = Person(json.loads(await lines.readline()), out)
    running = set()
    try:
        person.tell(id=0, ok=await person.arrive())
    except Exception as error:  # noqa: BLE001
        person.tell(id=0, error=f"{type(error).__name__}: {error}")
    else:
        syncing = asyncio.create_task(person.keep_syncing())
        syncing.add_done_callback(lambda task: task.cancelled() or print(f"the sync of {person.user} ended: {task.exception()!r}", file=sys.stderr))
        running.add(syncing)
        while line := await lines.readline():
            task = asyncio.create_task(person.answer(json.loads(line)))
            running.add(task)
            task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    if person.http:
        await person.http.close()
    out.close()


async def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    server = await asyncio.start_server(be_somebody, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
