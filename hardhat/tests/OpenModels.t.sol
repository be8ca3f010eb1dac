// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {BatchFixture} from "./support/BatchFixture.sol";

/// @notice Models with open statements, which answer beside the others.
contract OpenModelsTest is BatchFixture {
    bytes32 private constant SECOND = keccak256("second open model");
    bytes32 private constant THIRD = keccak256("third open model");
    IModelRegistry.Statement private constant PACKED = IModelRegistry.Statement.OpenPacked;

    function test_activate__when_open__then_the_primary_stays() public {
        _activateOpen(PACKED);
        equal(registry.openModel(), OPEN, "open");
        equal(registry.primaryModel(), MODEL, "primary");
        equal(registry.shadowModel(), bytes32(0), "no shadow of the primary");
        equal(registry.primaryNeutralCommitment(), uint256(NEUTRAL), "the primary's");
        (bool active, bool primary) = registry.standingOf(2);
        check(active && primary, "first among the open ones");
        (active, primary) = registry.standingOf(1);
        check(active && primary, "first among the others");
        IModelRegistry.Model memory m = registry.model(OPEN);
        check(m.spec.statement == PACKED, "statement");
        equal(m.spec.batchSize, ROWS, "batch size");
        equal(m.spec.outputScales, SCALES, "scales");
        (, , uint72 scales, uint8 batchSize, ) = registry.activeModel(OPEN);
        equal(scales >> 70, uint256(PACKED), "statement, above the scales");
        equal(batchSize, ROWS, "batch size");
    }

    function test_activate__when_others_come__then_each_kind_has_a_shadow_of_its_own() public {
        _activateOpen(PACKED);
        _activate(keccak256("model two"), _spec(address(verifier)));
        equal(registry.openModel(), OPEN, "open stays");
        equal(registry.openShadowModel(), bytes32(0), "and has no shadow");
        equal(registry.shadowModel(), MODEL, "shadow");
        _activate(SECOND, _openSpec(IModelRegistry.Statement.Open));
        equal(registry.openModel(), SECOND, "the other packing is of the same kind");
        equal(registry.openShadowModel(), OPEN, "open shadow");
        (bool active, bool primary) = registry.standingOf(2);
        check(active && !primary, "the shadow answers still");
        _activate(THIRD, _openSpec(PACKED));
        equal(registry.openShadowModel(), SECOND, "the one before");
        check(registry.model(OPEN).state == IModelRegistry.ModelState.Retired, "the oldest retired");
        equal(registry.primaryModel(), keccak256("model two"), "untouched");
    }

    function test_roll_back__when_open__then_the_other_kind_stays() public {
        vm.expectRevert(IModelRegistry.NothingToRollBackTo.selector);
        registry.rollBackOpen();
        _activate(keccak256("model two"), _spec(address(verifier)));
        _activateOpen(PACKED);
        _activate(SECOND, _openSpec(PACKED));
        vm.expectEmit();
        emit IModelRegistry.ModelRolledBack(SECOND, OPEN);
        registry.rollBackOpen();
        equal(registry.openModel(), OPEN, "open");
        equal(registry.openShadowModel(), bytes32(0), "no shadow");
        check(registry.model(SECOND).state == IModelRegistry.ModelState.Retired, "retired");
        equal(registry.shadowModel(), MODEL, "untouched");
        registry.rollBack();
        equal(registry.primaryModel(), MODEL, "back");
        equal(registry.openModel(), OPEN, "untouched");
    }

    function test_retire__when_the_open_primary__then_none_answers_so_and_the_primary_stays() public {
        _activateOpen(PACKED);
        registry.retire(OPEN);
        equal(registry.openModel(), bytes32(0), "none");
        (bool active, bool primary) = registry.standingOf(2);
        check(!active && !primary, "answers no more");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.PrimaryCannotBeRetired.selector, MODEL));
        registry.retire(MODEL);
        _activate(SECOND, _openSpec(PACKED));
        _activate(THIRD, _openSpec(PACKED));
        registry.retire(SECOND);
        equal(registry.openShadowModel(), bytes32(0), "a shadow too");
        equal(registry.openModel(), THIRD, "and its primary stays");
    }

    function test_propose__when_committed_for_several__then_it_is_refused() public {
        IModelRegistry.ModelSpec memory spec = _openSpec(IModelRegistry.Statement.Committed);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.OneRequestOnly.selector, IModelRegistry.Statement.Committed, ROWS)
        );
        registry.propose(SECOND, spec);
    }

    function test_registry__when_the_caller_has_no_role__then_the_open_roll_back_is_refused() public {
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(bytes4(keccak256("AccessManagedUnauthorized(address)")), borrower));
        registry.rollBackOpen();
    }
}
