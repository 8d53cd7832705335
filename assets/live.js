// Makes the pages live. Without it they work as they are; nothing here is needed to do anything.
"use strict";
