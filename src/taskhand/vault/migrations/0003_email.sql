-- The person's verified e-mail address, where it is not the person's id: lists name it, and a person is found by it.

ALTER TABLE link ADD COLUMN email TEXT;
