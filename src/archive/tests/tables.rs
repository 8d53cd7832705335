use super::*;

fn table(stored: &MemoryView, kind: TableKind, format: TableFormat) -> String {
    let mut written = Vec::new();
    let mut writer = TableWriter::new(&mut written, kind, format);
    for entry in archive_of(stored, &genesis()).unwrap() {
        writer.entry(&entry.unwrap()).unwrap();
    }
    writer.end().unwrap();
    String::from_utf8(written).unwrap()
}

/// The rows of a table in either form, by column.
fn rows_of(text: &str, format: TableFormat) -> Vec<Vec<(String, String)>> {
    if format == TableFormat::Jsonl {
        let object = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let shown = |value: &serde_json::Value| match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows = text.lines().map(object);
        return rows
            .map(|row| {
                let cells = row.as_object().unwrap().iter();
                let mut cells: Vec<_> = cells.map(|(k, v)| (k.clone(), shown(v))).collect();
                cells.sort();
                cells
            })
            .collect();
    }
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heading = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| {
        let cells = heading.iter().zip(row.iter());
        let mut cells: Vec<_> = cells.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        cells.sort();
        cells
    })
    .collect()
}

fn cell<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    let found = row.iter().find(|(column, _)| column == name);
    &found
        .unwrap_or_else(|| panic!("no column {name} in {row:?}"))
        .1
}

#[test]
fn both_forms_hold_the_same_rows_of_one_snapshot() {
    let node = chain(3);
    let stored = &node.disk;
    for (kind, rows) in [
        (TableKind::Blocks, 4),
        (TableKind::Transactions, 12),
        (TableKind::Records, 3),
    ] {
        let [csv, jsonl] = [TableFormat::Csv, TableFormat::Jsonl]
            .map(|format| rows_of(&table(stored, kind, format), format));
        assert_eq!(csv.len(), rows, "{kind:?}");
        assert_eq!(csv, jsonl, "{kind:?}");
        let tip = stored.named(&RowKey::Tip).unwrap().unwrap().to_string();
        assert!(
            csv.iter()
                .all(|row| cell(row, "tip_id") == tip && cell(row, "tip_height") == "3")
        );
    }
}

#[test]
fn members_are_a_row_for_each_word_about_them() {
    use crate::chain::json::{ActionJson, KeyJson};
    use crate::membership::{Act, Leave, MembersRecord, Statement};
    let node = chain(1);
    let entries: Vec<_> = archive_of(&node.disk, &genesis()).unwrap().collect();
    let [head, _, block, end] = entries.try_into().unwrap();
    let Entry::Block(mut block) = block.unwrap() else {
        panic!("no block");
    };
    let admin = member(200);
    let act = Act::Expel {
        key: member(2).public_key(),
        reason: CappedText::new("=loud").unwrap(),
    };
    let statement = Statement {
        network: network(),
        number: Timestamp(9),
        act,
    };
    let leave = Leave::sign(network(), Timestamp(8), &member(1));
    let records = [
        MembersRecord::Leave(leave),
        MembersRecord::Statement(statement.sign(&admin)),
    ];
    for (at, record) in records.into_iter().enumerate() {
        block.transactions[at + 1].action = ActionJson::Record {
            topic: CappedText::new("members").unwrap(),
            body: CappedBytes::new(crate::canonical::encode(&record)).unwrap(),
        };
    }
    let entries = [head.unwrap(), Entry::Block(block), end.unwrap()];
    let written = |format| {
        let mut written = Vec::new();
        let mut writer = TableWriter::new(&mut written, TableKind::Members, format);
        entries
            .iter()
            .for_each(|entry| writer.entry(entry).unwrap());
        writer.end().unwrap();
        rows_of(&String::from_utf8(written).unwrap(), format)
    };
    let (csv, jsonl) = (written(TableFormat::Csv), written(TableFormat::Jsonl));
    let acts: Vec<_> = csv.iter().map(|row| cell(row, "act")).collect();
    assert_eq!(acts, ["leave", "expel"]);
    let shown = |key| serde_json::to_value(KeyJson(key)).unwrap();
    assert_eq!(cell(&csv[1], "key"), shown(member(2).public_key()));
    assert_eq!(cell(&csv[1], "by"), shown(admin.public_key()));
    assert_eq!(cell(&csv[1], "reason"), "'=loud");
    assert_eq!(cell(&jsonl[1], "reason"), "=loud");
    let names =
        |row: &[(String, String)]| row.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&csv[0]), names(&jsonl[0]));
}

#[test]
fn a_table_without_rows_has_its_heading() {
    let text = table(&Node::new().disk, TableKind::Records, TableFormat::Csv);
    assert!(
        text.starts_with("height,index,time,id,sender,topic"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn sums_over_the_tables_are_those_of_the_chain() {
    let node = chain(3);
    let format = TableFormat::Csv;
    let blocks = rows_of(&table(&node.disk, TableKind::Blocks, format), format);
    let sum = |rows: &[Vec<(String, String)>], name: &str| -> u64 {
        rows.iter()
            .filter_map(|row| cell(row, name).parse::<u64>().ok())
            .sum()
    };
    let transactions = rows_of(&table(&node.disk, TableKind::Transactions, format), format);
    assert_eq!(sum(&blocks, "fees"), sum(&transactions, "fee"));
    assert_eq!(sum(&blocks, "transactions"), transactions.len() as u64);
    assert!(cell(&blocks[1], "time").ends_with('Z'));
    let kinds: Vec<_> = transactions.iter().map(|row| cell(row, "kind")).collect();
    assert_eq!(kinds[0], "reward");
    assert_eq!(kinds.iter().filter(|kind| **kind == "record").count(), 3);
}

#[test]
fn attack_a_text_of_a_member_is_no_formula_of_a_spreadsheet() {
    let mut node = Node::new();
    node.send(transfer(1, 2, 3, 1, 0)).unwrap();
    let body = b"=HYPERLINK(\"http://evil.example\")\nand, \"quoted\"";
    let payload = Payload {
        network: network(),
        sender: member(1).public_key(),
        salt: Salt([7; 16]),
        expires_at: Height(100),
        fee: Amount(2),
        action: Action::Record {
            topic: CappedText::new("greetings").unwrap(),
            body: CappedBytes::new(body.to_vec()).unwrap(),
        },
    };
    node.send(EncodedTransaction::new(payload.sign(&member(1))))
        .unwrap();
    node.mine(5);
    let text = str::from_utf8(body).unwrap();
    let csv = table(&node.disk, TableKind::Records, TableFormat::Csv);
    let rows = rows_of(&csv, TableFormat::Csv);
    assert_eq!(cell(&rows[0], "text"), format!("'{text}"));
    let jsonl = table(&node.disk, TableKind::Records, TableFormat::Jsonl);
    assert_eq!(cell(&rows_of(&jsonl, TableFormat::Jsonl)[0], "text"), text);
}
