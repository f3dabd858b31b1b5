-- A store as programs before migration 3 wrote it.
BEGIN TRANSACTION;
CREATE TABLE answer (
  scope text not null, name text not null, digest blob, body blob, receipt text not null, at integer not null,
  primary key (scope, name)) strict;
INSERT INTO "answer" VALUES('key/test','A0',X'4130',X'7B22646F6E65223A747275657D','{"Versions":[{"ref":"note/nte_01kdvdna00e0jr000000000001","version":1}],"Counters":[{"ref":"counter/hot/piece","value":1,"seq":1},{"ref":"counter/A/piece","value":2,"seq":1}],"Answer":null}',1767225600000000);
INSERT INTO "answer" VALUES('key/test','A1',X'4131',X'7B22646F6E65223A747275657D','{"Versions":[{"ref":"note/nte_01kdvdna00e1qr000000000003","version":1}],"Counters":[{"ref":"counter/hot/piece","value":2,"seq":2},{"ref":"counter/A#/piece","value":3,"seq":1}],"Answer":null}',1767225600000000);
INSERT INTO "answer" VALUES('key/test','A2',X'4132',X'7B22646F6E65223A747275657D','{"Versions":[{"ref":"note/nte_01kdvdna00e3f8000000000006","version":1}],"Counters":[{"ref":"counter/hot/piece","value":3,"seq":3},{"ref":"counter/A b/piece","value":4,"seq":1}],"Answer":null}',1767225600000000);
INSERT INTO "answer" VALUES('key/test','h3',X'6833',X'7B22646F6E65223A747275657D','{"Versions":[{"ref":"note/nte_01kdvdna00e4m8000000000008","version":1}],"Counters":[{"ref":"counter/hot/piece","value":4,"seq":4},{"ref":"counter/hot/piece","value":9,"seq":5}],"Answer":null}',1767225600000000);
CREATE TABLE claim (
  slot integer not null, scope text not null, key text not null, kind text not null, owner blob not null,
  primary key (slot, scope, key)) strict, without rowid;
INSERT INTO "claim" VALUES(296,'name','first','note',X'019B76DAA80070258000000000000001');
CREATE TABLE counter (
  slot integer not null, id blob not null, name text not null, log text not null as (name || '#'), value integer not null, seq integer not null,
  primary key (slot, id)) strict, without rowid;
INSERT INTO "counter" VALUES(400,X'AB121CF082838190A8435B196B928BC7','A/piece',2,1);
INSERT INTO "counter" VALUES(2507,X'E9E556AAA79D89CB81A2249B871610C6','A#/piece',3,1);
INSERT INTO "counter" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684','hot/piece',9,5);
INSERT INTO "counter" VALUES(3892,X'DA4275B0C3788F34842944B2690F3E3F','A b/piece',4,1);
CREATE TABLE delivery (
  slot integer not null, sink text not null, event blob not null, tries integer not null, since integer not null, due integer, last text not null,
  primary key (slot, sink, event)) strict, without rowid;
INSERT INTO "delivery" VALUES(37,'a',X'019B76DAA80070258000000000000002',1,1767225600000000,1767225600000000,'test.down');
CREATE TABLE "event" (slot integer not null, id blob not null, version integer not null,
		schema integer not null, shape integer not null, doc text not null, claims text, "by subject,id" blob, "by type,id" blob, primary key (slot, id)) strict;
INSERT INTO "event" VALUES(37,X'019B76DAA80070258000000000000002',1,1,1,'{"id":"evt_01kdvdna00e0jr000000000002","type":"note.written","subject":"note/nte_01kdvdna00e0jr000000000001","actor":{"id":"system:test","kind":"system"},"at":"2026-01-01T00:00:00Z"}',NULL,X'046E6F74652F6E74655F30316B6476646E61303065306A723030303030303030303030310000046576745F30316B6476646E61303065306A7230303030303030303030303200006576745F30316B6476646E61303065306A72303030303030303030303032',X'046E6F74652E7772697474656E0000046576745F30316B6476646E61303065306A7230303030303030303030303200006576745F30316B6476646E61303065306A72303030303030303030303032');
INSERT INTO "event" VALUES(111,X'019B76DAA800706F8000000000000004',1,1,1,'{"id":"evt_01kdvdna00e1qr000000000004","type":"note.written","subject":"note/nte_01kdvdna00e1qr000000000003","actor":{"id":"system:test","kind":"system"},"at":"2026-01-01T00:00:00Z"}',NULL,X'046E6F74652F6E74655F30316B6476646E613030653171723030303030303030303030330000046576745F30316B6476646E6130306531717230303030303030303030303400006576745F30316B6476646E61303065317172303030303030303030303034',X'046E6F74652E7772697474656E0000046576745F30316B6476646E6130306531717230303030303030303030303400006576745F30316B6476646E61303065317172303030303030303030303034');
INSERT INTO "event" VALUES(111,X'019B76DAA800706F8000000000000005',1,1,1,'{"id":"evt_01kdvdna00e1qr000000000005","type":"note.written","subject":"note/nte_01kdvdna00e1qr000000000003","actor":{"id":"system:test","kind":"system"},"at":"2026-01-01T00:00:00Z"}',NULL,X'046E6F74652F6E74655F30316B6476646E613030653171723030303030303030303030330000046576745F30316B6476646E6130306531717230303030303030303030303500006576745F30316B6476646E61303065317172303030303030303030303035',X'046E6F74652E7772697474656E0000046576745F30316B6476646E6130306531717230303030303030303030303500006576745F30316B6476646E61303065317172303030303030303030303035');
INSERT INTO "event" VALUES(222,X'019B76DAA80070DE8000000000000007',1,1,1,'{"id":"evt_01kdvdna00e3f8000000000007","type":"note.written","subject":"note/nte_01kdvdna00e3f8000000000006","actor":{"id":"system:test","kind":"system"},"at":"2026-01-01T00:00:00Z"}',NULL,X'046E6F74652F6E74655F30316B6476646E613030653366383030303030303030303030360000046576745F30316B6476646E6130306533663830303030303030303030303700006576745F30316B6476646E61303065336638303030303030303030303037',X'046E6F74652E7772697474656E0000046576745F30316B6476646E6130306533663830303030303030303030303700006576745F30316B6476646E61303065336638303030303030303030303037');
INSERT INTO "event" VALUES(296,X'019B76DAA80071288000000000000009',1,1,1,'{"id":"evt_01kdvdna00e4m8000000000009","type":"note.written","subject":"note/nte_01kdvdna00e4m8000000000008","actor":{"id":"system:test","kind":"system"},"at":"2026-01-01T00:00:00Z"}',NULL,X'046E6F74652F6E74655F30316B6476646E61303065346D383030303030303030303030380000046576745F30316B6476646E61303065346D3830303030303030303030303900006576745F30316B6476646E61303065346D38303030303030303030303039',X'046E6F74652E7772697474656E0000046576745F30316B6476646E61303065346D3830303030303030303030303900006576745F30316B6476646E61303065346D38303030303030303030303039');
CREATE TABLE hash (number integer primary key, hash blob not null) strict;
INSERT INTO "hash" VALUES(0,X'0102');
CREATE TABLE leaf (number integer primary key, event text not null unique) strict;
INSERT INTO "leaf" VALUES(0,'evt_01kdvdna00e0jr000000000002');
CREATE TABLE lease (name text primary key, holder text not null, fence integer not null, until integer not null) strict, without rowid;
INSERT INTO "lease" VALUES('all','test',1,1767229200000000);
CREATE TABLE migration (number integer primary key, name text not null, sum blob not null, at integer not null) strict;
INSERT INTO "migration" VALUES(1,'0001_tables.sql',X'6E3F2F66DB28D316669CBCEB79F2FD8781562E357D1EE2661D1C4A81DF3B262D',1767225600000000);
INSERT INTO "migration" VALUES(2,'0002_outbox.sql',X'BFB472E0B521F2074EC16F280161EDA667CF95E7B7517F5AFFE274E8B32C2256',1767225600000000);
CREATE TABLE movement (
  slot integer not null, counter blob not null, seq integer not null, delta integer not null, "after" integer not null,
  cause text not null, event blob, at integer not null,
  primary key (slot, counter, seq)) strict, without rowid;
INSERT INTO "movement" VALUES(400,X'AB121CF082838190A8435B196B928BC7',1,2,2,'note/nte_01kdvdna00e0jr000000000001',X'019B76DAA80070258000000000000002',1767225600000000);
INSERT INTO "movement" VALUES(2507,X'E9E556AAA79D89CB81A2249B871610C6',1,3,3,'note/nte_01kdvdna00e1qr000000000003',X'019B76DAA800706F8000000000000004',1767225600000000);
INSERT INTO "movement" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684',1,1,1,'note/nte_01kdvdna00e0jr000000000001',X'019B76DAA80070258000000000000002',1767225600000000);
INSERT INTO "movement" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684',2,1,2,'note/nte_01kdvdna00e1qr000000000003',X'019B76DAA800706F8000000000000004',1767225600000000);
INSERT INTO "movement" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684',3,1,3,'note/nte_01kdvdna00e3f8000000000006',X'019B76DAA80070DE8000000000000007',1767225600000000);
INSERT INTO "movement" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684',4,1,4,'note/nte_01kdvdna00e4m8000000000008',X'019B76DAA80071288000000000000009',1767225600000000);
INSERT INTO "movement" VALUES(3099,X'DF66C905B3E18C1B8B28810DC8919684',5,5,9,'note/nte_01kdvdna00e4m8000000000008',X'019B76DAA80071288000000000000009',1767225600000000);
INSERT INTO "movement" VALUES(3892,X'DA4275B0C3788F34842944B2690F3E3F',1,4,4,'note/nte_01kdvdna00e3f8000000000006',X'019B76DAA80070DE8000000000000007',1767225600000000);
CREATE TABLE "note" (slot integer not null, id blob not null, version integer not null,
		schema integer not null, shape integer not null, doc text not null, claims text, "by owner" blob, "by due sparse" blob, primary key (slot, id)) strict;
INSERT INTO "note" VALUES(37,X'019B76DAA80070258000000000000001',1,1,2,'{"id":"nte_01kdvdna00e0jr000000000001","owner":"anna","due":"2026-01-01T00:00:00Z","name":"first"}','[{"Scope":"name","Key":"first"}]',X'04616E6E6100006E74655F30316B6476646E61303065306A72303030303030303030303031',X'0380064748462040006E74655F30316B6476646E61303065306A72303030303030303030303031');
INSERT INTO "note" VALUES(111,X'019B76DAA800706F8000000000000003',2,1,2,'{"id":"nte_01kdvdna00e1qr000000000003","owner":"bert"}',NULL,X'046265727400006E74655F30316B6476646E61303065317172303030303030303030303033',NULL);
INSERT INTO "note" VALUES(222,X'019B76DAA80070DE8000000000000006',1,1,2,'{"id":"nte_01kdvdna00e3f8000000000006","owner":"anna"}',NULL,X'04616E6E6100006E74655F30316B6476646E61303065336638303030303030303030303036',NULL);
INSERT INTO "note" VALUES(296,X'019B76DAA80071288000000000000008',1,1,2,'{"id":"nte_01kdvdna00e4m8000000000008","owner":"anna"}',NULL,X'04616E6E6100006E74655F30316B6476646E61303065346D38303030303030303030303038',NULL);
CREATE TABLE shape (id integer primary key, kind text not null, definition text not null, unique (kind, definition)) strict;
INSERT INTO "shape" VALUES(1,'event','1: subject,id; type,id');
INSERT INTO "shape" VALUES(2,'note','1: due sparse; owner');
CREATE TABLE undelivered (place integer primary key, slot integer not null, id blob not null unique) strict;
INSERT INTO "undelivered" VALUES(2,111,X'019B76DAA800706F8000000000000004');
INSERT INTO "undelivered" VALUES(3,111,X'019B76DAA800706F8000000000000005');
INSERT INTO "undelivered" VALUES(4,222,X'019B76DAA80070DE8000000000000007');
INSERT INTO "undelivered" VALUES(5,296,X'019B76DAA80071288000000000000009');
CREATE TABLE witness (handle blob primary key, flush integer not null, at integer not null) strict, without rowid;
CREATE UNIQUE INDEX counter_by_name on counter (name);
CREATE UNIQUE INDEX counter_by_log on counter (log);
CREATE INDEX movement_by_cause on movement (cause);
CREATE INDEX delivery_by_due on delivery (sink, due, event) where due is not null;
CREATE INDEX delivery_parked on delivery (sink, event) where due is null;
CREATE INDEX "event by id" on "event" (id);
CREATE INDEX "event by shape" on "event" (shape);
CREATE INDEX "note by id" on "note" (id);
CREATE INDEX "note by shape" on "note" (shape);
CREATE INDEX "note by owner" on "note" ("by owner") where "by owner" is not null;
CREATE INDEX "note by due sparse" on "note" ("by due sparse") where "by due sparse" is not null;
CREATE INDEX "event by subject,id" on "event" ("by subject,id") where "by subject,id" is not null;
CREATE INDEX "event by type,id" on "event" ("by type,id") where "by type,id" is not null;
COMMIT;
