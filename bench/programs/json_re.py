# An interpreter with its C extensions: JSON out and in, regular expressions over the text.
import json
import re

rows = [{"id": i, "name": "item%d" % (i * 7919 % 10007), "value": i / 3} for i in range(4000)]
for _ in range(3):
    text = json.dumps(rows)
    rows = json.loads(text)
print(len(text), len(re.findall(r"item(\d)\d*7\b|\"id\": (\d+)3,", text)))
