PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE documents (
    sha256 TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL,
    title TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    date_ns INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    n_chunks INTEGER NOT NULL
) STRICT;
INSERT INTO documents VALUES('c8a21a406d51ec477640e040899089bf16afbe4180b51736bc6875d107484dd0','text','text/markdown','Pump',86,1795763502235778719,'MarkdownParser/1|chunk-1:semantic:512/50','indexed','',1);
INSERT INTO documents VALUES('b43e4ab65e16cc2f21f736f5f4cfb77a02b11f593348db1b53d49356176bbbb5','data','text/csv','parts',35,1795763502111593502,'RecordsParser/1|chunk-1:semantic:512/50','indexed','',1);
INSERT INTO documents VALUES('c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79','image','image/png','gradient',763,1795763502203696540,'ImageParser/1|{"enabled":true,"min_confidence":0.5}','indexed','',1);
CREATE TABLE roots (root TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE paths (
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL,
    companions TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (root, path)
) STRICT, WITHOUT ROWID;
INSERT INTO paths VALUES('/home/of/0.1.0/library','copy.md','c8a21a406d51ec477640e040899089bf16afbe4180b51736bc6875d107484dd0',86,1795763502235778719,1795763504023848793,'[]','');
INSERT INTO paths VALUES('/home/of/0.1.0/library','docs/pump.md','c8a21a406d51ec477640e040899089bf16afbe4180b51736bc6875d107484dd0',86,1795763502107696543,1795763504027962808,'[]','');
INSERT INTO paths VALUES('/home/of/0.1.0/library','gradient.png','c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79',763,1795763502203696540,1795763504023547597,'[]','');
INSERT INTO paths VALUES('/home/of/0.1.0/library','parts.csv','b43e4ab65e16cc2f21f736f5f4cfb77a02b11f593348db1b53d49356176bbbb5',35,1795763502111593502,1795763504024439178,'[]','');
CREATE TABLE chunks (
    id TEXT PRIMARY KEY,
    document_sha256 TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    page INTEGER,
    modality TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
INSERT INTO chunks VALUES('be626b95-1f43-543b-a34f-f7aab464086b','c8a21a406d51ec477640e040899089bf16afbe4180b51736bc6875d107484dd0',0,NULL,'text','{"id":"be626b95-1f43-543b-a34f-f7aab464086b","document_sha256":"c8a21a406d51ec477640e040899089bf16afbe4180b51736bc6875d107484dd0","ordinal":0,"kind":"text","modality":"text","locator":{"page":null,"boxes":[],"start_s":null,"end_s":null,"anchor":"pump"},"text":"The pump hums at 40 decibels.\n\nFilter\n\nChange the filter every six months.","title":"Pump","headings":["Pump"],"spans":[{"start":0,"end":29,"locator":{"page":null,"boxes":[],"start_s":null,"end_s":null,"anchor":"pump"}},{"start":39,"end":74,"locator":{"page":null,"boxes":[],"start_s":null,"end_s":null,"anchor":"filter"}}],"image":null,"frames":[]}');
INSERT INTO chunks VALUES('4d7fd452-24eb-5644-837c-b4487b806b26','b43e4ab65e16cc2f21f736f5f4cfb77a02b11f593348db1b53d49356176bbbb5',0,NULL,'text','{"id":"4d7fd452-24eb-5644-837c-b4487b806b26","document_sha256":"b43e4ab65e16cc2f21f736f5f4cfb77a02b11f593348db1b53d49356176bbbb5","ordinal":0,"kind":"data","modality":"text","locator":{"page":null,"boxes":[],"start_s":null,"end_s":null,"anchor":"row-1"},"text":"part: filter; price: 12.50\npart: valve; price: 7.20","title":"parts","headings":[],"spans":[],"image":null,"frames":[]}');
INSERT INTO chunks VALUES('aa10953d-ca50-5108-89e8-a8689e76fc5d','c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79',0,NULL,'image','{"id":"aa10953d-ca50-5108-89e8-a8689e76fc5d","document_sha256":"c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79","ordinal":0,"kind":"image","modality":"image","locator":{"page":null,"boxes":[],"start_s":null,"end_s":null,"anchor":null},"text":"","title":"gradient","headings":[],"spans":[],"image":{"sha256":"c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79","media_type":"image/png","width_px":256,"height_px":256},"frames":[]}');
CREATE TABLE assets (
    sha256 TEXT NOT NULL,
    document_sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    PRIMARY KEY (sha256, document_sha256)
) STRICT, WITHOUT ROWID;
INSERT INTO assets VALUES('c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79','c9bf0558d7b5d8b42d231e61dff3fadfd31e62a799ba405a756b9f42e804bb79','image/png',256,256);
CREATE TABLE limbo (point_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE INDEX paths_by_document ON paths (sha256);
CREATE INDEX chunks_by_document ON chunks (document_sha256, ordinal);
CREATE INDEX assets_by_document ON assets (document_sha256);
COMMIT;
PRAGMA user_version = 1;
